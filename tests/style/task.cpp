#include "braid/style/task.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <coroutine>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "braid/core/just.hpp"
#include "braid/loop/nop.hpp"
#include "braid/schedule/resume_on.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/generator.hpp"
#include "braid/style/get_stop_token.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/start.hpp"
#include "catch.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

// Writes its name to the log when it is destroyed.
struct mark {
  mark(std::vector<std::string>& into, std::string called) : log_(into), name_(std::move(called)) {}
  mark(const mark&) = delete;
  mark& operator=(const mark&) = delete;
  ~mark() { log_.push_back(name_); }

 private:
  std::vector<std::string>& log_;
  std::string name_;
};

task<int> with_mark(std::vector<std::string>& log, std::string name) {
  mark here(log, name);
  co_await yield();
  co_return 1;
}

task<void> waits_for_ever(std::vector<std::string>& log, future<void> never) {
  mark outer(log, "outer");
  co_await [](std::vector<std::string>& inner_log, future<void> waiting) -> task<void> {
    mark inner(inner_log, "inner");
    co_await std::move(waiting);
    inner_log.push_back("never reached");
  }(log, std::move(never));
}

// Writes over its room, then throws unless the number is positive.
struct positive {
  positive(int n) : numbers{n, n, n, n, n, n, n, n} {
    if (n <= 0) throw std::invalid_argument("not positive");
  }
  std::array<int, 8> numbers;
};

task<positive> second_try(std::vector<std::string>& log, future<int> late) {
  mark here(log, "second_try");
  try {
    co_return -1;
  } catch (const std::invalid_argument&) {
    log.push_back("caught");
  }
  const int n = co_await std::move(late);
  co_return n;
}

task<int> awaits_second_try(std::vector<std::string>& log, future<int> late) {
  const positive got = co_await second_try(log, std::move(late));
  co_return got.numbers[7];
}

}  // namespace

TEST_CASE("task: does nothing until it is awaited", "[task]") {
  bool begun = false;
  const auto lazy = [&]() -> task<int> {
    begun = true;
    co_return 1;
  };
  auto waiting = lazy();
  CHECK_FALSE(begun);
  CHECK(run(std::move(waiting)) == 1);
  CHECK(begun);
}

TEST_CASE("task: destroyed before it began, it runs no code and destroys its parameters", "[task]") {
  auto owned = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = owned;
  bool begun = false;
  {
    auto never = [](std::shared_ptr<int> held, bool& flag) -> task<int> {
      flag = true;
      co_return *held;
    }(std::move(owned), begun);
    CHECK_FALSE(watch.expired());
  }
  CHECK(watch.expired());
  CHECK_FALSE(begun);
}

TEST_CASE("task: a connected task that is never started is destroyed", "[task]") {
  auto owned = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = owned;
  {
    auto held = as_result([](std::shared_ptr<int> kept) -> task<int> { co_return *kept; }(std::move(owned)));
    CHECK_FALSE(watch.expired());
  }
  CHECK(watch.expired());
}

TEST_CASE("task: its locals are destroyed before its awaiter goes on", "[task]") {
  std::vector<std::string> log;
  run([&]() -> task<void> {
    co_await with_mark(log, "first");
    log.push_back("between");
    co_await with_mark(log, "second");
  });
  CHECK(log == std::vector<std::string>{"first", "between", "second"});
}

TEST_CASE("task: the loop's end destroys nested tasks from the innermost outwards", "[task]") {
  std::vector<std::string> log;
  promise<void> outlives;
  {
    loop here;
    detach(waits_for_ever(log, outlives.get_future()));
    here.run(yield());
    CHECK(log.empty());
  }
  CHECK(log == std::vector<std::string>{"inner", "outer"});
  outlives.set_value();
}

TEST_CASE("task: an exception can be caught around an await, and a new one replaces it", "[task]") {
  const auto fails = [](std::string what) -> task<void> {
    co_await yield();
    throw std::runtime_error(what);
  };
  const auto ended = capture([&] {
    run([&]() -> task<void> {
      std::string caught;
      try {
        co_await fails("first");
      } catch (const std::runtime_error& e) {
        caught = e.what();
      }
      co_await fails(caught + " and second");
    });
  });
  REQUIRE_FALSE(ended);
  CHECK(ended.error().message() == "first and second");
}

TEST_CASE("task: every await passes the stop token down", "[task][stop]") {
  loop here;
  bool possible = false;
  stop_token innermost;
  auto stopping = spawn([&]() -> task<void> {
    co_await [](stop_token& seen, bool& flag) -> task<void> {
      seen = co_await get_stop_token();
      flag = seen.stop_possible();
      co_await sleep_for(1h);
    }(innermost, possible);
  });
  CHECK(possible);
  CHECK_FALSE(innermost.stop_requested());
  stopping.request_stop();
  const auto ended = here.run(as_result(std::move(stopping)));
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == std::errc::operation_canceled);
}

TEST_CASE("task: under run its stop token can never be stopped", "[task][stop]") {
  CHECK_FALSE(run(get_stop_token()).stop_possible());
}

TEST_CASE("task: after resume_on it runs on the other loop, and its awaiter goes on on the home loop",
          "[task][thread]") {
  promise<loop*> known;
  auto there_is = known.get_future();
  promise<void> finished;
  std::thread elsewhere([&known, over = finished.get_future()]() mutable {
    loop there;
    known.set_value(&there);
    there.run(std::move(over));
  });
  loop& there = *std::move(there_is).get();
  loop here;
  const auto home = std::this_thread::get_id();
  std::thread::id seen_there;
  bool same_loop = false;
  here.run([&]() -> task<void> {
    co_await [&]() -> task<void> {
      co_await resume_on(there);
      seen_there = std::this_thread::get_id();
      same_loop = loop::current_or_null() == &there;
    }();
    CHECK(std::this_thread::get_id() == home);
  });
  CHECK(seen_there == elsewhere.get_id());
  CHECK(same_loop);
  finished.set_value();
  elsewhere.join();
}

TEST_CASE("task: a pointer as the only parameter is not used as memory for the frame", "[task]") {
  struct by_pointer {
    static task<int> one(int* place) {
      co_await yield();
      co_return ++*place;
    }
    static task<int> any(void* place) { return one(static_cast<int*>(place)); }
    static task<> none(void*) { co_return; }
    static generator<int> each(int* place) { co_yield *place; }
  };
  loop here;
  int numbers[400] = {1};
  CHECK(here.run(by_pointer::one(numbers)) == 2);
  CHECK(here.run(by_pointer::any(numbers)) == 3);
  here.run(by_pointer::none(numbers));
  for (const int each : by_pointer::each(numbers)) CHECK(each == 3);
  CHECK(std::ranges::count(numbers, 0) == 399);
}

TEST_CASE("task: a plain call of resume resumes a task that awaits a foreign awaiter", "[task]") {
  struct plain_awaiter {
    std::coroutine_handle<>& kept;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) const noexcept { kept = waiting; }
    int await_resume() const noexcept { return 5; }
  };
  loop here;
  std::coroutine_handle<> kept;
  int seen = 0;
  start([&]() -> task<int> { co_return 1 + co_await plain_awaiter{kept}; },
        [&](result<int> ended) { seen = *ended; });
  REQUIRE(kept);
  kept.resume();
  here.run();
  CHECK(seen == 6);
}

#if defined(__clang__)
#pragma clang diagnostic ignored "-Wreturn-type"
#else
#pragma GCC diagnostic ignored "-Wreturn-type"
#endif
task<int> forgets_co_return(bool value) {
  co_await yield();
  if (value) co_return 1;
}

TEST_CASE("task: ending without co_return is an error that names the task", "[style][task]") {
  IN_EVERY_STYLE(style);
  loop home;
  CHECK(style.wait(forgets_co_return(true)).value() == 1);
  const auto ended = style.wait(forgets_co_return(false));
  REQUIRE_FALSE(ended);
  CHECK_THAT(ended.error().message(), contains("task: it ended without co_return, in "));
  CHECK_THAT(ended.error().message(), contains("task.cpp:"));
  CHECK_THROWS_AS(ended.value(), std::logic_error);
}

TEST_CASE("task: using it twice is a logic_error", "[style][task]") {
  loop home;
  const auto returns = []() -> task<int> { co_return 1; };
  task<int> once = returns();
  CHECK(home.run(std::move(once)) == 1);
  CHECK_THROWS_AS(home.run(std::move(once)), std::logic_error);
  CHECK_THROWS_AS(spawn(std::move(once)), std::logic_error);
  CHECK_THROWS_AS(start(std::move(once), [](result<int>) {}), std::logic_error);
  const auto awaits = [&]() -> task<int> { co_return co_await std::move(once); };
  CHECK_THROWS_AS(home.run(awaits()), std::logic_error);
}

TEST_CASE("task: may wait again after its value's constructor has thrown", "[style][task]") {
  std::vector<std::string> log;
  SECTION("and give another value") {
    loop here;
    promise<int> late;
    future<int> got = spawn(awaits_second_try(log, late.get_future()));
    late.set_value(3);
    CHECK(here.run(std::move(got)) == 3);
  }
  SECTION("and is destroyed at its loop's end") {
    promise<int> never, as_well;
    {
      loop here;
      detach(awaits_second_try(log, never.get_future()));
      start(second_try(log, as_well.get_future()), [](result<positive>) {});
      here.turn(false);
      CHECK(log == std::vector<std::string>{"caught", "caught"});
    }
    CHECK(log == std::vector<std::string>{"caught", "caught", "second_try", "second_try"});
  }
}
