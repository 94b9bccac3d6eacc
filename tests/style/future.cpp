#include "braid/style/future.hpp"

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "braid/core/just.hpp"
#include "braid/loop/nop.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

future<int> failed(error why) {
  promise<int> settled;
  auto made = settled.get_future();
  settled.set_error(std::move(why));
  return made;
}
future<int> thrown(const char* what) { return failed(std::make_exception_ptr(std::runtime_error(what))); }

template <class T>
result<T> ended(future<T> waiting) {
  return loop::current().run(as_result(std::move(waiting)));
}

task<int> plus_one(int n) {
  co_await yield();
  co_return n + 1;
}

// Collects the errors that the loop's unhandled-error handler gets.
std::vector<error>& collect_unhandled(loop& from, std::vector<error>& into) {
  from.on_unhandled_error([&into](const error& failure) { into.push_back(failure); });
  return into;
}

}  // namespace

TEST_CASE("future: a continuation never runs inside the call that attached it", "[future]") {
  loop here;
  bool ran = false;
  auto last = make_ready_future(1).then([&](int) { ran = true; });
  CHECK_FALSE(ran);
  auto caught = thrown("no").catch_error([&](const error&) {
    CHECK(ran);
    return 0;
  });
  bool at_last = false;
  auto after = make_ready_future().finally([&] { at_last = true; });
  CHECK_FALSE(at_last);
  here.run();
  CHECK(ran);
  CHECK(at_last);
  CHECK(last.is_ready());
  CHECK(ended(std::move(caught)).value() == 0);
}

TEST_CASE("future: a continuation does not run inside the call that settles the promise",
          "[future][promise]") {
  loop here;
  promise<int> later;
  bool ran = false;
  auto last = later.get_future().then([&](int) { ran = true; });
  later.set_value(1);
  CHECK_FALSE(ran);
  here.run();
  CHECK(ran);
  CHECK(last.is_ready());
}

TEST_CASE("future: then gets the value, and a sender that it returns is flattened", "[future]") {
  loop here;
  CHECK(ended(make_ready_future(1).then([](int n) { return n + 1; })).value() == 2);
  CHECK(ended(make_ready_future(1).then([](int n) { return make_ready_future(n + 1); })).value() == 2);
  CHECK(ended(make_ready_future(1).then([](int n) { return plus_one(n); })).value() == 2);
  CHECK(ended(make_ready_future(1).then([](int n) { return just(n + 1); })).value() == 2);
  CHECK(ended(make_ready_future(1).then([](int n) { return spawn(plus_one(n)); })).value() == 2);
  CHECK(ended(make_ready_future().then([] { return std::string("from nothing"); })).value() ==
        "from nothing");
  CHECK(ended(make_ready_future(std::make_unique<int>(4)).then([](std::unique_ptr<int> n) {
          return *n;
        })).value() == 4);
  CHECK(ended(make_ready_future(1).then([](int) {})));
  CHECK(ended(make_ready_future(1).then([](int) { return nop(); })));
}

TEST_CASE("future: an error skips then, and catch_error replaces it by a value", "[future]") {
  loop here;
  bool ran = false;
  auto passed = ended(thrown("first").then([&](int n) { return ran = true, n; }));
  CHECK_FALSE(ran);
  REQUIRE_FALSE(passed);
  CHECK(passed.error().message() == "first");

  CHECK(ended(failed(std::errc::timed_out).catch_error([](const error& why) {
          return why == std::errc::timed_out ? 5 : 0;
        })).value() == 5);
  CHECK(ended(thrown("x").catch_error([](const error&) { return make_ready_future(6); })).value() == 6);
  CHECK(ended(thrown("x").catch_error([](const error&) { return plus_one(6); })).value() == 7);
  CHECK(ended(make_ready_future(8).catch_error([](const error&) { return 0; })).value() == 8);
}

TEST_CASE("future: catch_error may rethrow the error or throw another", "[future]") {
  loop here;
  auto same = ended(thrown("first").catch_error([](const error& why) -> int { why.rethrow(); }));
  REQUIRE_FALSE(same);
  CHECK(same.error().message() == "first");
  auto other =
      ended(thrown("first").catch_error([](const error&) -> int { throw std::logic_error("second"); }));
  REQUIRE_FALSE(other);
  CHECK(other.error().message() == "second");
}

TEST_CASE("future: an exception in then is the error of the new future", "[future]") {
  loop here;
  auto plain = ended(make_ready_future(1).then([](int) -> int { throw std::runtime_error("in then"); }));
  REQUIRE_FALSE(plain);
  CHECK(plain.error().message() == "in then");
  auto instead_of_a_task =
      ended(make_ready_future(1).then([](int) -> task<int> { throw std::runtime_error("before the task"); }));
  REQUIRE_FALSE(instead_of_a_task);
  CHECK(instead_of_a_task.error().message() == "before the task");
  auto in_task = ended(make_ready_future(1).then([](int) -> task<int> {
    co_await yield();
    throw std::runtime_error("in the task");
  }));
  REQUIRE_FALSE(in_task);
  CHECK(in_task.error().message() == "in the task");
}

TEST_CASE("future: finally runs after a value and after an error, and changes only by throwing", "[future]") {
  loop here;
  int ran = 0;
  CHECK(ended(make_ready_future(1).finally([&] { ++ran; })).value() == 1);
  auto error_kept = ended(thrown("first").finally([&] { ++ran; }));
  REQUIRE_FALSE(error_kept);
  CHECK(error_kept.error().message() == "first");
  CHECK(ended(make_ready_future().finally([&] { ++ran; })));
  CHECK(ran == 3);
  auto replaced = ended(make_ready_future(1).finally([] { throw std::runtime_error("at last"); }));
  REQUIRE_FALSE(replaced);
  CHECK(replaced.error().message() == "at last");
}

TEST_CASE("future: a coroutine lambda given to then lives until its task has ended", "[future]") {
  loop here;
  std::vector<int> order;
  auto last = make_ready_future(1)
                  .then([&order, step = 1](int n) -> task<int> {
                    co_await yield();
                    order.push_back(step);
                    co_return n;
                  })
                  .then([&](int n) {
                    order.push_back(2);
                    return n;
                  });
  CHECK(ended(std::move(last)).value() == 1);
  CHECK(order == std::vector{1, 2});
}

TEST_CASE("future: the operation goes on when its future is dropped", "[future][spawn]") {
  loop here;
  bool done = false;
  {
    auto dropped = spawn([&]() -> task<void> {
      co_await yield();
      co_await nop();
      done = true;
    });
  }
  CHECK_FALSE(done);
  here.run();
  CHECK(done);
}

TEST_CASE("future: the error of a dropped future is reported once, whenever it was dropped", "[future]") {
  loop here;
  std::vector<error> unhandled;
  collect_unhandled(here, unhandled);
  {
    auto pending = spawn([]() -> task<int> {
      co_await yield();
      throw std::runtime_error("later");
    });
  }
  { auto settled = thrown("earlier"); }
  {
    auto end_of_chain = thrown("linked").then([](int n) { return n; });
  }
  {
    auto handled = thrown("handled").catch_error([](const error&) { return 0; });
  }
  here.run();
  REQUIRE(unhandled.size() == 3);
  CHECK(unhandled[0].message() == "earlier");
  CHECK(((unhandled[1].message() == "later") != (unhandled[2].message() == "later")));
  CHECK(((unhandled[1].message() == "linked") != (unhandled[2].message() == "linked")));
}

TEST_CASE("future: get on a loop's thread is a logic_error that names the call", "[future]") {
  loop here;
  auto waiting = make_ready_future(1);
  CHECK_THROWS_AS(std::move(waiting).get(), std::logic_error);
  CHECK_THROWS_WITH(std::move(waiting).get(), contains("future::get"));
  CHECK(waiting.valid());
  CHECK(ended(std::move(waiting)).value() == 1);
}

TEST_CASE("future: get blocks another thread until the loop has settled it", "[future]") {
  loop here;
  auto spawned = spawn([]() -> task<std::string> {
    co_await sleep_for(1us);
    co_return "from the loop";
  });
  std::string got;
  std::string failure;
  std::thread elsewhere([&, waiting = std::move(spawned), bad = thrown("bad")]() mutable {
    got = std::move(waiting).get();
    try {
      std::move(bad).get();
    } catch (const std::runtime_error& e) {
      failure = e.what();
    }
  });
  here.run();
  elsewhere.join();
  CHECK(got == "from the loop");
  CHECK(failure == "bad");
}

TEST_CASE("future: every function of a moved-from future is a logic_error that names the call", "[future]") {
  loop here;
  auto moved = make_ready_future(1);
  const auto owner = std::move(moved);
  CHECK_FALSE(moved.valid());
  CHECK(owner.valid());
  CHECK_THROWS_WITH(moved.is_ready(), contains("future::is_ready"));
  CHECK_THROWS_WITH(moved.request_stop(), contains("future::request_stop"));
  CHECK_THROWS_WITH(std::move(moved).get(), contains("future::get"));
  CHECK_THROWS_WITH((void)std::move(moved).then([](int) {}), contains("future::then"));
  CHECK_THROWS_WITH((void)std::move(moved).catch_error([](const error&) { return 0; }),
                    contains("future::catch_error"));
  CHECK_THROWS_WITH((void)std::move(moved).finally([] {}), contains("future::finally"));
  CHECK_THROWS_AS(here.run(std::move(moved)), std::logic_error);
  auto awaited = here.run(as_result([&]() -> task<int> { co_return co_await std::move(moved); }));
  REQUIRE_FALSE(awaited);
  CHECK_THROWS_AS(awaited.error().rethrow(), std::logic_error);
}

TEST_CASE("future: then on a thread without a loop is a logic_error that names the call", "[future]") {
  auto waiting = make_ready_future(1);
  CHECK_THROWS_WITH((void)std::move(waiting).then([](int) {}), contains("future::then"));
  CHECK(std::move(waiting).get() == 1);
}
