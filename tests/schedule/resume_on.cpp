#include "braid/schedule/resume_on.hpp"

#include <atomic>
#include <coroutine>
#include <optional>
#include <stdexcept>
#include <thread>

#include "braid/combine/when_all.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/run.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "loop_thread.hpp"
#include "recorder.hpp"

namespace {

using namespace braid;
using braid_tests::loop_thread;
using namespace std::chrono_literals;

TEST_CASE("resume_on: the task goes on there, and its awaiter on the home loop",
          "[schedule][resume_on][threads]") {
  loop_thread other;
  loop home;
  std::thread::id begun, moved, after;
  const auto traveller = [&]() -> task<int> {
    begun = std::this_thread::get_id();
    co_await resume_on(other.there());
    moved = std::this_thread::get_id();
    co_await sleep_for(1us);  // on the other loop
    if (moved != std::this_thread::get_id()) throw std::logic_error("moved again");
    co_return 5;
  };
  const int got = home.run([&]() -> task<int> {
    const int n = co_await traveller();
    after = std::this_thread::get_id();
    co_return n;
  });
  CHECK(got == 5);
  CHECK(begun == std::this_thread::get_id());
  CHECK(moved == other.id());
  CHECK(after == std::this_thread::get_id());
}

TEST_CASE("resume_on: a task may return by itself", "[schedule][resume_on][threads]") {
  loop_thread other;
  loop home;
  const bool returned = home.run([&]() -> task<bool> {
    const auto here = std::this_thread::get_id();
    for (int n = 0; n < 100; ++n) {
      co_await resume_on(other.there());
      if (std::this_thread::get_id() != other.id()) co_return false;
      co_await resume_on(home);
      if (std::this_thread::get_id() != here) co_return false;
    }
    co_return true;
  });
  CHECK(returned);
}

TEST_CASE("resume_on: an exception thrown there reaches the awaiter on the home loop",
          "[schedule][resume_on][threads]") {
  loop_thread other;
  loop home;
  const auto fails = [&]() -> task<> {
    co_await resume_on(other.there());
    throw std::out_of_range("seven");
  };
  std::optional<std::thread::id> caught_on;
  home.run([&]() -> task<> {
    try {
      co_await fails();
    } catch (const std::out_of_range&) {
      caught_on = std::this_thread::get_id();
    }
  });
  CHECK(caught_on == std::this_thread::get_id());
}

TEST_CASE("resume_on: to its own loop it is a yield", "[schedule][resume_on]") {
  loop home;
  braid_tests::recorded op(resume_on(home));
  op.start();
  CHECK_FALSE(op.done());
  home.run();
  CHECK(op.result().has_value());
}

TEST_CASE("resume_on: many tasks move at once, and each returns", "[schedule][resume_on][threads]") {
  loop_thread other;
  loop home;
  promise<void> all;
  int ended = 0;
  std::atomic<int> there{0};
  constexpr int count = 1000;
  for (int n = 0; n < count; ++n)
    start(
        [&]() -> task<> {
          co_await resume_on(other.there());
          if (std::this_thread::get_id() == other.id()) ++there;
        },
        [&](result<void> r) {
          if (r && ++ended == count) all.set_value();
        });
  home.run(all.get_future());
  CHECK(ended == count);
  CHECK(there == count);
}

TEST_CASE("resume_on: a task that is away counts as work of its home loop",
          "[schedule][resume_on][threads]") {
  loop_thread other;
  std::optional<std::thread::id> arrived_on;
  const auto travels = [&]() -> task<> {
    co_await resume_on(other.there());
    for (int turns = 0; turns < 100; ++turns) co_await yield();
    arrived_on = std::this_thread::get_id();
  };
  SECTION("run waits for its end") {
    loop home;
    detach(travels);
    home.run();
    CHECK(arrived_on == other.id());
  }
  SECTION("run waits for a task that returns by itself") {
    loop home;
    detach([&]() -> task<> {
      co_await resume_on(other.there());
      co_await yield();
      co_await resume_on(home);
      arrived_on = std::this_thread::get_id();
    });
    home.run();
    CHECK(arrived_on == std::this_thread::get_id());
  }
  SECTION("the loop's end waits for it") {
    {
      loop home;
      detach(travels);
    }
    CHECK(arrived_on == other.id());
  }
  SECTION("it moves over two loops, and its awaiter is away, too") {
    loop_thread third;
    loop home;
    detach([&]() -> task<> {
      co_await resume_on(third.there());
      co_await travels();
      if (std::this_thread::get_id() != third.id()) throw std::logic_error("not where it was awaited");
      co_await resume_on(other.there());
    });
    home.run();
    CHECK(arrived_on == other.id());
  }
}

TEST_CASE("resume_on: a task that returns without resume_on is counted as back",
          "[schedule][resume_on][threads]") {
  struct by_post {
    loop& to;
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> traveller) const {
      to.post([traveller] { traveller.resume(); });
    }
    void await_resume() const noexcept {}
  };
  loop_thread other;
  loop home;
  int returns = 0;
  detach([&]() -> task<> {
    for (; returns < 3; ++returns) {
      co_await resume_on(other.there());
      co_await by_post{home};
    }
  });
  home.run();
  CHECK(returns == 3);
}

TEST_CASE("resume_on: handlers and joins finish on the home loop", "[schedule][resume_on][threads]") {
  loop_thread other;
  loop home;
  std::optional<std::thread::id> finished_on;
  SECTION("a callback") {
    start(resume_on(other.there()), [&](result<void>) { finished_on = std::this_thread::get_id(); });
  }
  SECTION("a join") {
    start(when_all(resume_on(other.there()), resume_on(other.there()), resume_on(home)),
          [&](auto) { finished_on = std::this_thread::get_id(); });
  }
  home.run();
  CHECK(finished_on == std::this_thread::get_id());
}

TEST_CASE("resume_on: can be started on a thread without a loop", "[schedule][resume_on][threads]") {
  loop home;
  braid_tests::recorded op(resume_on(home));
  std::thread([&] { op.start(); }).join();
  home.run();
  CHECK(op.heard.times == 1);
  CHECK(op.result().has_value());
}

}  // namespace
