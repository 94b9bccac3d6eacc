#include "braid/schedule/offload_abandonable.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>

#include "braid/combine/with_timeout.hpp"
#include "braid/schedule/offload.hpp"
#include "braid/schedule/offload_pool.hpp"
#include "braid/sim/virtual_time.hpp"
#include "braid/style/run.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"
#include "busy_pool.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "recorder.hpp"

using namespace braid;
using namespace std::chrono_literals;
using braid_tests::recorded;

namespace {

// Shared by a test and a function that may outlive it.
struct gate {
  std::atomic<bool> begun{false}, may_end{false}, stopped{false};
  std::atomic<std::thread::id> ran_on{}, destroyed_on{};
  std::atomic<bool> destroyed{false};
  void pass() {
    ran_on = std::this_thread::get_id();
    begun = true;
    begun.notify_all();
    may_end.wait(false);
  }
  void open() {
    may_end = true;
    may_end.notify_all();
  }
};
using shared_gate = std::shared_ptr<gate>;

// A value that notes where it is destroyed.
struct noted {
  shared_gate at;
  explicit noted(shared_gate where) : at(std::move(where)) {}
  noted(noted&&) = default;
  noted& operator=(noted&&) = delete;
  ~noted() {
    if (at == nullptr) return;
    at->destroyed_on = std::this_thread::get_id();
    at->destroyed = true;
    at->destroyed.notify_all();
  }
};

int waits(const shared_gate& at, int value) {
  at->pass();
  return value;
}

// Opens the gate when the test ends in any way.
struct opener {
  shared_gate at = std::make_shared<gate>();
  ~opener() { at->open(); }
};

}  // namespace

TEST_CASE("offload_abandonable: gives values and exceptions", "[schedule][offload_abandonable][threads]") {
  IN_EVERY_STYLE(style);
  const auto joined = [](const std::string& left, std::string right) { return left + right; };
  CHECK(style.wait(offload_abandonable(joined, std::string("a"), std::string("b"))).value() == "ab");
  CHECK(style.wait(offload_abandonable([] {})));
  const auto throws = []() -> int { throw std::out_of_range("seven"); };
  CHECK_THROWS_AS(style.wait(offload_abandonable(throws)).value(), std::out_of_range);
  const auto passes = [](std::unique_ptr<int> owned) { return owned; };
  CHECK(*style.wait(offload_abandonable(passes, std::make_unique<int>(4))).value() == 4);
  CHECK(style.wait(offload_abandonable(&std::string::size, std::string("abc"))).value() == 3);
}

TEST_CASE("offload_abandonable: a time-out does not wait for a function that never ends",
          "[schedule][offload_abandonable][stop][threads]") {
  IN_EVERY_STYLE(style);
  const opener held;
  CHECK(style.wait(with_timeout(offload_abandonable(waits, held.at, 7), 1ms)).error() ==
        std::errc::timed_out);
}

TEST_CASE("offload_abandonable: an abandoned function ends on its thread, which destroys its value",
          "[schedule][offload_abandonable][stop][threads]") {
  const opener held;
  loop home;
  stop_source source;
  const auto makes = [](const shared_gate& at) {
    at->pass();
    return noted(at);
  };
  recorded op(offload_abandonable(makes, held.at), source.get_token());
  op.start();
  held.at->begun.wait(false);
  SECTION("by its loop's thread") {
    source.request_stop();
    CHECK_FALSE(op.done());  // never within the request
  }
  SECTION("by another thread") {
    std::thread([&] { source.request_stop(); }).join();
  }
  home.run();
  REQUIRE(op.heard.times == 1);
  CHECK(op.result().error() == std::errc::operation_canceled);
  CHECK(op.result().error().call() == "offload_abandonable");
  CHECK_FALSE(held.at->destroyed);
  held.at->open();
  held.at->destroyed.wait(false);
  CHECK(held.at->destroyed_on.load() == held.at->ran_on.load());
}

TEST_CASE("offload_abandonable: a function that has ended before the stop request gives its value",
          "[schedule][offload_abandonable][stop][threads]") {
  const opener held;
  loop home;
  stop_source source;
  recorded op(offload_abandonable(waits, held.at, 7), source.get_token());
  op.start();
  held.at->begun.wait(false);
  held.at->open();
  while (held.at.use_count() > 1 && !op.done()) home.turn(true);
  source.request_stop();
  home.run();
  REQUIRE(op.heard.times == 1);
  CHECK(*op.result() == 7);
}

TEST_CASE("offload_abandonable: the function is asked to stop before it is abandoned",
          "[schedule][offload_abandonable][stop][threads]") {
  const opener held;
  loop home;
  stop_source source;
  const auto obeys = [](stop_token until, const shared_gate& at) {
    at->begun = true;
    at->begun.notify_all();
    while (!until.stop_requested()) std::this_thread::yield();
    at->stopped = true;
    at->stopped.notify_all();
  };
  recorded op(offload_abandonable(obeys, held.at), source.get_token());
  op.start();
  held.at->begun.wait(false);
  source.request_stop();
  home.run();
  held.at->stopped.wait(false);
  CHECK(op.heard.times == 1);
}

TEST_CASE("offload_abandonable: a loop that ends leaves the function behind",
          "[schedule][offload_abandonable][stop][threads]") {
  const opener held;
  std::optional<result<int>> ended;
  {
    loop home;
    start(offload_abandonable(waits, held.at, 7), [&](result<int> how) { ended.emplace(std::move(how)); });
    held.at->begun.wait(false);
  }
  REQUIRE(ended);
  CHECK(ended->error() == std::errc::operation_canceled);
}

TEST_CASE("offload_abandonable: cancelled while it waits for a thread, the function does not run",
          "[schedule][offload_abandonable][stop][threads]") {
  const auto owned = std::make_shared<int>(0);
  const auto counts = [](const std::shared_ptr<int>& by) { ++*by; };
  loop home;
  stop_source source;
  {
    recorded op(offload_abandonable(counts, owned), source.get_token());
    recorded late(offload_abandonable(counts, owned), source.get_token());
    {
      const braid_tests::busy_pool busy;
      op.start();
      source.request_stop();
      late.start();
      home.run();
    }
    CHECK(op.result().error() == std::errc::operation_canceled);
    CHECK(late.result().error() == std::errc::operation_canceled);
  }
  home.run(offload([] {}));
  CHECK(*owned == 0);
  CHECK(owned.use_count() == 1);
}

TEST_CASE("offload_abandonable: abandoned functions do not use up the pool",
          "[schedule][offload_abandonable][stop][threads]") {
  const opener held;
  loop home;
  for (int n = 0; n < 20; ++n) {
    const auto begin = std::make_shared<std::atomic<bool>>(false);
    const auto waits_after = [](const std::shared_ptr<std::atomic<bool>>& begun, const shared_gate& at) {
      *begun = true;
      begun->notify_all();
      at->pass();
    };
    stop_source source;
    recorded op(offload_abandonable(waits_after, begin, held.at), source.get_token());
    op.start();
    begin->wait(false);
    source.request_stop();
    home.run();
    CHECK(op.result().error() == std::errc::operation_canceled);
  }
  CHECK(home.run(offload([] { return 7; })) == 7);
}

TEST_CASE("offload_abandonable: each function ends once when stop requests race with threads",
          "[schedule][offload_abandonable][stop][threads]") {
  loop home;
  const auto counter = std::make_shared<std::atomic<int>>(0);
  const auto counts = [](const std::shared_ptr<std::atomic<int>>& by) { return ++*by; };
  for (int round = 0; round < 300; ++round) {
    stop_source source;
    recorded op(offload_abandonable(counts, counter), source.get_token());
    op.start();
    std::thread other([&] { source.request_stop(); });
    home.run();
    other.join();
    home.run();
    REQUIRE(op.heard.times == 1);
  }
}

TEST_CASE("offload_abandonable: can be stopped at each suspension", "[schedule][offload_abandonable][stop]") {
  const sim::virtual_time clock;
  braid_tests::every_cancellation([]() -> task<> {
    const auto adds = [](const std::string& text, int n) { return static_cast<int>(text.size()) + n; };
    const int first = co_await offload_abandonable(adds, std::string(40, 'x'), 2);
    const int second = co_await offload_abandonable(adds, std::string(), first);
    CHECK(second == 42);
  });
}

TEST_CASE("offload_abandonable: what may refer to the caller's data is refused", "[schedule]") {
  using namespace braid::detail;
  static_assert(owns_its_data<std::string> && owns_its_data<int> && owns_its_data<std::shared_ptr<int>>);
  static_assert(owns_its_data<int (*)(int)> && owns_its_data<int std::string::*>);
  static_assert(!owns_its_data<int*> && !owns_its_data<const char*>);
  static_assert(!owns_its_data<std::reference_wrapper<int>> && !owns_its_data<stop_token>);
  static_assert(!owns_its_data<std::string_view> && !owns_its_data<std::span<int>>);
  SUCCEED();
}
