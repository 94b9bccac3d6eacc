#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "braid/fs/file.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/nop.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/style/start.hpp"
#include "catch.hpp"
#include "descriptors.hpp"

// Ready work, timers, completions and posts must not starve each other. The tests count turns, never time.

namespace {

using namespace braid;
using namespace std::chrono_literals;

// A reactor whose clock advances by a fixed step each time it is read: all that the loop measures takes that
// long.
class slow_clock final : public reactor {
 public:
  explicit slow_clock(loop_clock::duration step) : real_(make_reactor({})), step_(step) {}
  const char* name() const noexcept override { return real_->name(); }
  void submit(io_operation& operation) noexcept override { real_->submit(operation); }
  void cancel(io_operation& operation) noexcept override { real_->cancel(operation); }
  void cancel_all() noexcept override { real_->cancel_all(); }
  void turn(patience, braid::detail::inbox& messages) noexcept override { real_->turn({}, messages); }
  void wake() noexcept override { real_->wake(); }
  loop_clock::time_point now() const noexcept override { return now_ += step_; }
  std::size_t in_flight() const noexcept override { return real_->in_flight(); }

 private:
  const std::unique_ptr<reactor> real_;
  const loop_clock::duration step_;
  mutable loop_clock::time_point now_{};
};

// An operation that becomes ready again each time it runs, until it is destroyed.
class restless : operation_base {
 public:
  explicit restless(loop& home) : operation_base(on_finish), home_(home) {
    home_.operations().make_ready(*this);
  }
  ~restless() {
    stopped_ = true;
    while (in_flight()) home_.turn(false);
  }
  [[nodiscard]] int runs() const { return runs_; }

 private:
  static void on_finish(operation_base& base, completion) noexcept {
    auto& self = static_cast<restless&>(base);
    ++self.runs_;
    if (!self.stopped_) self.home_.operations().make_ready(self);
  }
  loop& home_;
  int runs_ = 0;
  bool stopped_ = false;
};

// Begins its operation again whenever it ends, until it is destroyed.
template <class Make>
class repeated {
 public:
  repeated(loop& home, Make make) : home_(home), make_(std::move(make)) { again(); }
  repeated(const repeated&) = delete;
  repeated& operator=(const repeated&) = delete;
  ~repeated() {
    stopped_ = true;
    while (running_) home_.turn(false);
  }
  [[nodiscard]] int runs() const { return runs_; }

 private:
  void again() {
    running_ = true;
    start(make_(), [this](auto) {
      ++runs_;
      running_ = false;
      if (!stopped_) again();
    });
  }
  loop& home_;
  Make make_;
  int runs_ = 0;
  bool stopped_ = false;
  bool running_ = false;
};

// One piece of work of each kind; done() once all have ended.
class one_of_each {
 public:
  explicit one_of_each(loop& home) {
    start(sleep_for({}), [this](result<void>) { timer_ = true; });
    start(nop(), [this](result<void>) { completion_ = true; });
    start(reader_.read_some(room_), [this](result<std::size_t> got) { pipe_ = got && *got == 1; });
    home.post([this] { post_ = true; });
    if (::write(pipe_ends_.writer(), "x", 1) != 1) throw std::runtime_error("write");
  }
  [[nodiscard]] bool done() const { return timer_ && completion_ && pipe_ && post_; }

 private:
  braid_tests::pipe_ends pipe_ends_;
  file reader_ = file::from_descriptor(pipe_ends_.release_reader());
  std::array<char, 8> room_{};
  bool timer_ = false, completion_ = false, pipe_ = false, post_ = false;
};

int turns_until_done(loop& home, int most) {
  one_of_each work(home);
  int turns = 0;
  while (!work.done() && turns < most) {
    home.turn(false);
    ++turns;
  }
  const int needed = work.done() ? turns : most + 1;
  while (!work.done()) home.turn(false);
  return needed;
}

TEST_CASE("loop: an always ready operation does not starve other work", "[loop][fairness]") {
  loop home;
  restless busy(home);
  CHECK(turns_until_done(home, 20) <= 20);
  CHECK(busy.runs() > 0);
}

TEST_CASE("loop: long ready work is spread over several turns", "[loop][fairness]") {
  loop home({}, std::make_unique<slow_clock>(5ms));
  restless busy(home);
  for (int n = 0; n < 10; ++n) home.turn(false);
  const int before = busy.runs();
  for (int n = 0; n < 10; ++n) home.turn(false);
  CHECK(busy.runs() - before <= 20);
}

TEST_CASE("loop: quick ready work runs operations_per_turn at a time", "[loop][fairness]") {
  loop home({}, std::make_unique<slow_clock>(1us));
  restless busy(home);
  for (int n = 0; n < 10; ++n) home.turn(false);
  const int before = busy.runs();
  for (int n = 0; n < 10; ++n) home.turn(false);
  CHECK(busy.runs() - before == 10 * loop_options{}.operations_per_turn);
}

TEST_CASE("loop: a thousand ready operations share turns", "[loop][fairness]") {
  loop home;
  std::vector<std::unique_ptr<restless>> busy;
  for (int n = 0; n < 1000; ++n) busy.push_back(std::make_unique<restless>(home));
  CHECK(turns_until_done(home, 50) <= 50);
  for (int n = 0; n < 20; ++n) home.turn(false);
  int fewest = busy[0]->runs(), most = busy[0]->runs();
  for (const auto& each : busy) {
    fewest = std::min(fewest, each->runs());
    most = std::max(most, each->runs());
  }
  CHECK(fewest > 0);
  CHECK(most - fewest <= 1);
  busy.clear();
}

TEST_CASE("loop: always due timers do not starve other work", "[loop][fairness]") {
  loop home;
  const auto due = [] { return sleep_for({}); };
  std::vector<std::unique_ptr<repeated<decltype(due)>>> busy;
  for (int n = 0; n < 1000; ++n) busy.push_back(std::make_unique<repeated<decltype(due)>>(home, due));
  restless ready(home);
  CHECK(turns_until_done(home, 50) <= 50);
  CHECK(ready.runs() > 0);
  CHECK(busy.back()->runs() > 0);
}

TEST_CASE("loop: always overdue timers do not starve later ones", "[loop][fairness]") {
  loop home;
  const auto past = [] { return sleep_until(loop_clock::time_point::min()); };
  std::vector<std::unique_ptr<repeated<decltype(past)>>> busy;
  for (int n = 0; n < 1000; ++n) busy.push_back(std::make_unique<repeated<decltype(past)>>(home, past));
  CHECK(turns_until_done(home, 50) <= 50);
}

TEST_CASE("loop: requests that complete at once do not starve other work", "[loop][fairness]") {
  loop home({.entries = 64});
  const auto quick = [] { return nop(); };
  std::vector<std::unique_ptr<repeated<decltype(quick)>>> busy;
  for (int n = 0; n < 1000; ++n) busy.push_back(std::make_unique<repeated<decltype(quick)>>(home, quick));
  restless ready(home);
  CHECK(turns_until_done(home, 100) <= 100);
  CHECK(ready.runs() > 0);
  for (int n = 0; n < 100; ++n) home.turn(false);
  for (const auto& each : busy) CHECK(each->runs() > 0);
}

TEST_CASE("loop: a function that posts itself does not starve other work", "[loop][fairness]") {
  loop home;
  struct poster {
    loop* home;
    int* runs;
    const bool* stopped;
    void operator()() const {
      ++*runs;
      if (!*stopped) home->post(*this);
    }
  };
  int runs = 0;
  bool stopped = false;
  for (int n = 0; n < 1000; ++n) home.post(poster{&home, &runs, &stopped});
  CHECK(turns_until_done(home, 50) <= 50);
  CHECK(runs > 0);
  stopped = true;
  home.run();
}

TEST_CASE("loop: a thread that posts without end does not starve other work", "[loop][fairness][threads]") {
  loop home;
  std::atomic<bool> stopped{false};
  std::atomic<int> posted{0}, run{0};
  std::thread flood([&] {
    while (!stopped) {
      if (posted - run > 10'000) continue;  // bounds the memory in use
      ++posted;
      home.post([&run] { ++run; });
    }
  });
  while (run == 0) home.turn(false);
  const int turns = turns_until_done(home, 100);
  stopped = true;
  flood.join();
  home.run();
  CHECK(turns <= 100);
  CHECK(run == posted);
}

}  // namespace
