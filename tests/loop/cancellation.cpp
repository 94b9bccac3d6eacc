#include "braid/loop/cancellation.hpp"

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <thread>

#include "catch.hpp"

namespace {

using namespace braid;

// Finishes in the next turn and begins again, until stop is requested. Then it deletes itself.
class repeated : operation_base, cancellation {
 public:
  struct counts {
    int ended = 0, stops = 0, late_stops = 0;
  };
  repeated(stop_token token, counts& seen) noexcept : operation_base(on_ready), token_(token), seen_(seen) {}
  void begin() noexcept {
    loop::current().operations().make_ready(*this);
    arm<on_stop, on_late_stop>(token_);
  }

 private:
  static void on_ready(operation_base& base, completion) noexcept {
    auto& self = static_cast<repeated&>(base);
    if (self.disarm()) self.go_on();
  }
  static void on_stop(cancellation& base) noexcept { ++static_cast<repeated&>(base).seen_.stops; }
  static void on_late_stop(cancellation& base) noexcept {
    auto& self = static_cast<repeated&>(base);
    ++self.seen_.late_stops;
    self.go_on();
  }
  void go_on() noexcept {
    if (!requested()) return begin();
    ++seen_.ended;
    delete this;
  }

  const stop_token token_;
  counts& seen_;
};

// Waits for the stop request alone. It may be destroyed at any time.
class waiting : operation_base, cancellation {
 public:
  waiting() noexcept : operation_base(on_ready) {}
  ~waiting() {
    drop();
    if (in_flight()) home_.operations().withdraw_ready(*this);
  }
  void begin(stop_token token) noexcept { arm<on_stop, on_late_stop>(token); }
  [[nodiscard]] bool stopped() const noexcept { return requested(); }

 private:
  static void on_ready(operation_base& base, completion) noexcept {
    CHECK(static_cast<waiting&>(base).disarm());
  }
  static void on_stop(cancellation& base) noexcept {
    auto& self = static_cast<waiting&>(base);
    self.home_.operations().make_ready(self);
  }
  static void on_late_stop(cancellation&) noexcept { CHECK(false); }

  loop& home_ = loop::current();
};

// A thread that requests stop of one source after the other, each after a number of spins.
class requester {
 public:
  requester() : thread_([this] { run(); }) {}
  ~requester() {
    ask(nullptr, 0);
    thread_.join();
  }
  void ask(stop_source* which, int spins) noexcept {
    spins_ = spins;
    at_ = which;
    asked_.fetch_add(1);
    asked_.notify_one();
  }
  void await_end() const noexcept {
    for (int seen; (seen = answered_.load()) != asked_.load();) answered_.wait(seen);
  }

 private:
  void run() noexcept {
    for (int seen = 0;; ++seen) {
      asked_.wait(seen);
      if (at_ == nullptr) return;
      for (std::atomic<int> left = spins_; left > 0;) --left;
      at_->request_stop();
      answered_.fetch_add(1);
      answered_.notify_one();
    }
  }

  stop_source* at_ = nullptr;
  int spins_ = 0;
  std::atomic<int> asked_{0}, answered_{0};
  std::thread thread_;
};

}  // namespace

TEST_CASE("cancellation: requests from another thread race with ends that begin anew",
          "[loop][cancellation][threads]") {
  loop here;
  requester elsewhere;
  for (int round = 0; round < 100; ++round) {
    stop_source stop;
    std::array<repeated::counts, 3> seen;
    for (repeated::counts& each : seen) (new repeated(stop.get_token(), each))->begin();
    elsewhere.ask(&stop, round * 37 % 300);
    here.run();
    elsewhere.await_end();
    for (const repeated::counts& each : seen) {
      CHECK(each.ended == 1);
      CHECK(each.stops + each.late_stops == 1);
    }
  }
}

TEST_CASE("cancellation: an operation that is destroyed takes back a request on its way",
          "[loop][cancellation][threads]") {
  loop here;
  requester elsewhere;
  for (int round = 0; round < 100; ++round) {
    stop_source stop;
    std::array<std::optional<waiting>, 3> all;
    for (auto& each : all) each.emplace().begin(stop.get_token());
    elsewhere.ask(&stop, round * 37 % 300);
    for (int spins = round * 61 % 300; spins > 0; --spins) (void)stop.stop_requested();
    if (round % 3 == 0) here.run();
    for (auto& each : all) each.reset();
    elsewhere.await_end();
  }
  CHECK_FALSE(here.has_work());
}

TEST_CASE("cancellation: a request that travels needs its source no more", "[loop][cancellation][threads]") {
  loop here;
  waiting one;
  auto stop = std::make_unique<stop_source>();
  one.begin(stop->get_token());
  std::thread([&] { stop->request_stop(); }).join();
  stop.reset();
  CHECK_FALSE(one.stopped());
  here.run();
  CHECK(one.stopped());
}

TEST_CASE("cancellation: a request on its own thread stops at once, also within arm",
          "[loop][cancellation]") {
  loop here;
  stop_source stop;
  waiting before, after;
  before.begin(stop.get_token());
  stop.request_stop();
  CHECK(before.stopped());
  after.begin(stop.get_token());
  CHECK(after.stopped());
  here.run();
}
