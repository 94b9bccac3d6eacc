#include "every_style.hpp"

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "braid/core/just.hpp"
#include "braid/loop/nop.hpp"
#include "braid/schedule/offload.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "catch.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

struct own_exception : std::runtime_error {
  using std::runtime_error::runtime_error;
};

task<int> forty_two() { co_return 42; }
task<void> nothing() { co_return; }
task<std::unique_ptr<int>> owned(int value) { co_return std::make_unique<int>(value); }
task<int&> reference_to(int& value) { co_return value; }
task<int> throwing() {
  co_await yield();
  throw own_exception("mine");
}
task<std::string> through_everything() {
  co_await nop();
  co_await yield();
  co_await sleep_for(0ns);
  co_return co_await offload([] { return std::string("offloaded"); });
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("every style: an operation of void succeeds", "[style]", every_style) {
  CHECK(TestType::wait(nop()));
  CHECK(TestType::wait(yield()));
  CHECK(TestType::wait(sleep_for(1us)));
  CHECK(TestType::wait(sleep_for(-1h)));
  CHECK(TestType::wait(sleep_until(loop_clock::time_point::min())));
  CHECK(TestType::wait(just()));
  CHECK(TestType::wait(nothing()));
  CHECK(TestType::wait(offload([] {})));
  CHECK(TestType::wait(in_fiber([] {})));
  CHECK(TestType::wait(make_ready_future()));
}

TEMPLATE_LIST_TEST_CASE("every style: a value arrives", "[style]", every_style) {
  CHECK(TestType::wait(just(7)).value() == 7);
  CHECK(TestType::wait(just_from([] { return std::string("made"); })).value() == "made");
  CHECK(TestType::wait(forty_two()).value() == 42);
  CHECK(TestType::wait(offload([] { return 8; })).value() == 8);
  CHECK(TestType::wait(in_fiber([] { return await(forty_two()) + 1; })).value() == 43);
  CHECK(TestType::wait(make_ready_future(9)).value() == 9);
  CHECK(TestType::wait(through_everything()).value() == "offloaded");
}

TEMPLATE_LIST_TEST_CASE("every style: a move-only value arrives", "[style]", every_style) {
  CHECK(*TestType::wait(just(std::make_unique<int>(1))).value() == 1);
  CHECK(*TestType::wait(owned(2)).value() == 2);
  CHECK(*TestType::wait(offload([] { return std::make_unique<int>(3); })).value() == 3);
  CHECK(*TestType::wait(in_fiber([] { return std::make_unique<int>(4); })).value() == 4);
  CHECK(*TestType::wait(make_ready_future(std::make_unique<int>(5))).value() == 5);
}

TEMPLATE_LIST_TEST_CASE("every style: a reference is to the same object", "[style]", every_style) {
  int here = 1;
  int& same = TestType::wait(reference_to(here)).value();
  CHECK(&same == &here);
  CHECK(&TestType::wait(in_fiber([&]() -> int& { return here; })).value() == &here);
}

TEMPLATE_LIST_TEST_CASE("every style: an error arrives as the same code", "[style]", every_style) {
  auto refused = TestType::wait(just_error<int>(std::errc::connection_refused));
  REQUIRE_FALSE(refused);
  CHECK(refused.error() == std::errc::connection_refused);
  CHECK(refused.error().code() == std::make_error_code(std::errc::connection_refused));

  auto named =
      TestType::wait(just_error<void>(error(std::make_error_code(std::errc::io_error), "call", "object")));
  REQUIRE_FALSE(named);
  CHECK(named.error() == std::errc::io_error);
  CHECK(named.error().call() == "call");
  CHECK_THAT(named.error().message(), contains("call object: "));
}

TEMPLATE_LIST_TEST_CASE("every style: a caller's exception is passed on unchanged", "[style]", every_style) {
  const auto holds_mine = [](auto ended) {
    REQUIRE_FALSE(ended);
    CHECK(ended.error() == errc::exception);
    CHECK(ended.error().message() == "mine");
    CHECK_THROWS_AS(ended.error().rethrow(), own_exception);
  };
  const auto throws = [] { throw own_exception("mine"); };
  holds_mine(TestType::wait(throwing()));
  holds_mine(TestType::wait(just_from(throws)));
  holds_mine(TestType::wait(offload(throws)));
  holds_mine(TestType::wait(in_fiber(throws)));
  holds_mine(TestType::wait(in_fiber([] { await(throwing()); })));
  holds_mine(TestType::wait([&]() -> task<int> { throw own_exception("mine"); }));
}

TEMPLATE_LIST_TEST_CASE("every style: a system_error keeps its code", "[style]", every_style) {
  auto ended = TestType::wait(just_from(
      [] { throw std::system_error(std::make_error_code(std::errc::permission_denied), "the door"); }));
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == std::errc::permission_denied);
  CHECK_THAT(ended.error().message(), contains("the door"));
}

TEMPLATE_LIST_TEST_CASE("every style: as_result gives the failure as a value", "[style][as_result]",
                        every_style) {
  result<result<int>> ended = TestType::wait(as_result(throwing()));
  REQUIRE(ended);
  REQUIRE_FALSE(*ended);
  CHECK(ended->error().message() == "mine");
  CHECK(TestType::wait(as_result(forty_two())).value().value() == 42);
  CHECK(TestType::wait(as_result(nop())).value());
}

TEMPLATE_LIST_TEST_CASE("every style: the captures of a coroutine lambda live until its task has ended",
                        "[style]", every_style) {
  auto alive = std::make_shared<std::string>("captured");
  const std::weak_ptr<std::string> watch = alive;
  auto ended = TestType::wait([alive = std::move(alive)]() -> task<std::string> {
    co_await yield();
    co_await sleep_for(1us);
    co_return *alive;
  });
  CHECK(ended.value() == "captured");
  CHECK(watch.expired());
}

TEMPLATE_LIST_TEST_CASE("every style: a factory that throws is the operation's error", "[style]",
                        every_style) {
  const bool no_task = true;
  auto ended = TestType::wait([&] {
    if (no_task) throw own_exception("before the task");
    return nothing();
  });
  REQUIRE_FALSE(ended);
  CHECK(ended.error().message() == "before the task");
}

TEMPLATE_LIST_TEST_CASE("every style: a promise settled later wakes the waiter", "[style][promise]",
                        every_style) {
  loop here;
  promise<int> later;
  auto waiting = later.get_future();
  here.post([&later] { later.set_value(5); });
  CHECK(TestType::wait(std::move(waiting)).value() == 5);
}

TEMPLATE_LIST_TEST_CASE("every style: a promise settled on another thread wakes the waiter",
                        "[style][promise]", every_style) {
  promise<std::string> later;
  auto waiting = later.get_future();
  loop here;
  std::thread elsewhere([settles = std::move(later)]() mutable { settles.set_value("from afar"); });
  auto ended = TestType::wait(std::move(waiting));
  elsewhere.join();
  CHECK(ended.value() == "from afar");
}

TEMPLATE_LIST_TEST_CASE("every style: a promise that is dropped is broken_promise", "[style][promise]",
                        every_style) {
  loop here;
  std::optional<promise<int>> dropped(std::in_place);
  auto waiting = dropped->get_future();
  here.post([&] { dropped.reset(); });
  auto ended = TestType::wait(std::move(waiting));
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == errc::broken_promise);
}
