#include "braid/style/start.hpp"

#include <chrono>
#include <memory>
#include <source_location>
#include <stdexcept>
#include <string>
#include <vector>

#include "braid/core/just.hpp"
#include "braid/loop/nop.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/run.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

struct unhandled_errors {
  explicit unhandled_errors(loop& from) {
    from.on_unhandled_error([this](const error& failure) { all.push_back(failure); });
  }
  std::vector<error> all;
};

task<void> fails() {
  co_await yield();
  throw std::runtime_error("nobody waits");
}

}  // namespace

TEST_CASE("start: the handler never runs within the call, even if the operation ends in it", "[start]") {
  loop here;
  int finished = 0;
  start(just(1), [&](result<int> ended) { finished += *ended; });
  start(just_error<int>(std::errc::io_error),
        [&](result<int> ended) { finished += ended.error() == std::errc::io_error; });
  start(nop(), [&](result<void> ended) { finished += ended.has_value(); });
  start([]() -> task<int> { co_return 1; }, [&](result<int> ended) { finished += *ended; });
  CHECK(finished == 0);
  here.run();
  CHECK(finished == 4);
}

TEST_CASE("start: without a loop it is a logic_error that names the call", "[start]") {
  CHECK_THROWS_AS(start(nop(), [](result<void>) {}), std::logic_error);
  CHECK_THROWS_WITH(start(nop(), [](result<void>) {}), contains("start"));
  CHECK_THROWS_WITH(detach(nop()), contains("detach"));
}

TEST_CASE("start: the handler is called once, is never copied, and is destroyed afterwards", "[start]") {
  loop here;
  auto owned = std::make_shared<int>(0);
  const std::weak_ptr<int> watch = owned;
  int calls = 0;
  start(yield(), [owned = std::move(owned), only = std::make_unique<int>(1), &calls](result<void>) {
    calls += *only;
  });
  CHECK_FALSE(watch.expired());
  here.run();
  CHECK(calls == 1);
  CHECK(watch.expired());
}

TEST_CASE("start: an exception of a handler goes to the unhandled-error handler, with its place", "[start]") {
  loop here;
  unhandled_errors unhandled(here);
  const auto line = std::source_location::current().line() + 1;
  start(nop(), [](result<void>) { throw std::runtime_error("in the handler"); });
  here.run();
  REQUIRE(unhandled.all.size() == 1);
  CHECK(unhandled.all[0].message() == "in the handler");
  REQUIRE(unhandled.all[0].stack().size() == 1);
  CHECK(unhandled.all[0].stack()[0].line() == line);
}

TEST_CASE("start: a handler may start further operations", "[start]") {
  loop here;
  int finished = 0;
  start(nop(), [&](result<void>) {
    for (int i = 0; i < 10; ++i) start(yield(), [&](result<void>) { ++finished; });
    CHECK(finished == 0);
  });
  here.run();
  CHECK(finished == 10);
}

TEST_CASE("start: the loop's end destroys a waiting operation and its handler", "[start]") {
  auto owned = std::make_shared<int>(0);
  const std::weak_ptr<int> watch = owned;
  result<void> seen;
  {
    loop here;
    start(sleep_for(1h), [&, owned = std::move(owned)](result<void> ended) { seen = std::move(ended); });
  }
  CHECK(watch.expired());
  REQUIRE_FALSE(seen);
  CHECK(seen.error() == std::errc::operation_canceled);
}

TEST_CASE("detach: an error is reported once, with the chain of awaits and where it was detached",
          "[detach]") {
  loop here;
  unhandled_errors unhandled(here);
  const auto line = std::source_location::current().line() + 1;
  detach(fails());
  here.run();
  REQUIRE(unhandled.all.size() == 1);
  CHECK(unhandled.all[0].message() == "nobody waits");
  REQUIRE(unhandled.all[0].stack().size() == 2);
  CHECK_THAT(unhandled.all[0].stack()[0].function_name(), contains("fails"));
  CHECK(unhandled.all[0].stack()[1].line() == line);
  CHECK_THAT(format_stack(unhandled.all[0]), contains("start.cpp:" + std::to_string(line)));
}

TEST_CASE("detach: a value is dropped, and a lambda's captures live until its task has ended", "[detach]") {
  loop here;
  unhandled_errors unhandled(here);
  std::string seen;
  detach([&, text = std::string("captured")]() -> task<int> {
    co_await yield();
    co_await nop();
    seen = text;
    co_return 1;
  });
  here.run();
  CHECK(seen == "captured");
  CHECK(unhandled.all.empty());
}

TEST_CASE("detach: a cancellation by the loop's end is no unhandled error", "[detach]") {
  int finished = 0;
  {
    loop here;
    here.on_unhandled_error([&](const error&) { ++finished; });
    detach(sleep_for(1h));
    detach([]() -> task<void> { co_await sleep_for(1h); });
  }
  CHECK(finished == 0);
}
