#include "braid/combine/with_timeout.hpp"

#include <array>
#include <chrono>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "braid/core/just.hpp"
#include "braid/fs/file.hpp"
#include "braid/loop/nop.hpp"
#include "braid/net/tcp.hpp"
#include "braid/schedule/yield.hpp"
#include "catch.hpp"
#include "descriptors.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

task<std::string> ignores_the_stop() {
  (void)co_await as_result(sleep_for(1h));
  co_return "achieved in spite of it";
}

}  // namespace

TEST_CASE("with_timeout: an operation that ends in time gives its value or its error", "[with_timeout]") {
  IN_EVERY_STYLE(style);
  CHECK(style.wait(with_timeout(just(1), 1h)).value() == 1);
  CHECK(style.wait(with_timeout(nop(), 1h)));
  CHECK(*style.wait(with_timeout(just(std::make_unique<int>(2)), 1h)).value() == 2);
  CHECK(style.wait(with_deadline(just(3), loop_clock::now() + 1h)).value() == 3);
  auto failed = style.wait(with_timeout(just_error<int>(std::errc::io_error), 1h));
  REQUIRE_FALSE(failed);
  CHECK(failed.error() == std::errc::io_error);
}

TEST_CASE("with_timeout: an operation that takes too long is stopped and fails as timed_out",
          "[with_timeout][kernel]") {
  IN_EVERY_STYLE(style);
  for (auto ended :
       {style.wait(with_timeout(sleep_for(1h), 1us)), style.wait(with_timeout(sleep_for(1h), -1h)),
        style.wait(with_deadline(sleep_for(1h), loop_clock::now())),
        style.wait(with_deadline(sleep_for(1h), loop_clock::time_point::min()))}) {
    REQUIRE_FALSE(ended);
    CHECK(ended.error() == std::errc::timed_out);
    CHECK_THAT(ended.error().message(), contains("with_timeout"));
  }
}

TEST_CASE("with_timeout: a value that arrives in spite of the stop is the value", "[with_timeout]") {
  IN_EVERY_STYLE(style);
  CHECK(style.wait(with_timeout(ignores_the_stop(), 1us)).value() == "achieved in spite of it");
}

TEST_CASE("with_timeout: an error other than the cancellation is kept", "[with_timeout]") {
  IN_EVERY_STYLE(style);
  auto ended = style.wait(with_timeout(
      []() -> task<int> {
        (void)co_await as_result(sleep_for(1h));
        throw std::runtime_error("on the way out");
      },
      1us));
  REQUIRE_FALSE(ended);
  CHECK(ended.error().message() == "on the way out");
}

TEST_CASE("with_timeout: the longest duration does not overflow", "[with_timeout]") {
  IN_EVERY_STYLE(style);
  CHECK(style.wait(with_timeout(yield(), loop_clock::duration::max())));
  CHECK(style.wait(with_timeout(yield(), std::chrono::hours::max())));
  CHECK(style.wait(
      with_timeout(yield(), std::chrono::duration<double>(std::numeric_limits<double>::infinity()))));
  using coarse = std::chrono::time_point<loop_clock, std::chrono::hours>;
  CHECK(style.wait(with_deadline(yield(), coarse::max())));
}

TEST_CASE("with_timeout: the most negative duration, or one that is not a number, ends at once",
          "[with_timeout]") {
  IN_EVERY_STYLE(style);
  using real_seconds = std::chrono::duration<double>;
  using coarse = std::chrono::time_point<loop_clock, std::chrono::hours>;
  for (auto ended :
       {style.wait(with_timeout(sleep_for(1h), std::chrono::hours::min())),
        style.wait(with_timeout(sleep_for(1h), real_seconds(-std::numeric_limits<double>::infinity()))),
        style.wait(with_timeout(sleep_for(1h), real_seconds(std::numeric_limits<double>::quiet_NaN()))),
        style.wait(with_deadline(sleep_for(1h), coarse::min()))}) {
    CHECK(ended == std::errc::timed_out);
  }
}

TEST_CASE("with_timeout: the longest time-out can be cancelled from outside", "[with_timeout][stop]") {
  loop here;
  auto waiting = spawn(with_timeout(sleep_for(std::chrono::hours::max()), std::chrono::hours::max()));
  waiting.request_stop();
  CHECK(here.run(as_result(std::move(waiting))) == std::errc::operation_canceled);
}

TEST_CASE("with_timeout: its error differs from a connection's time-out", "[with_timeout]") {
  IN_EVERY_STYLE(style);
  const auto late = style.wait(with_timeout(sleep_for(1h), 1us));
  REQUIRE_FALSE(late);
  CHECK(late.error() == std::errc::timed_out);
  CHECK(late.error().code().category() == timeout_category());
  CHECK(late.error().message() == "with_timeout: Timed out");
  const auto connection = style.wait(with_timeout(just_error<int>(std::errc::timed_out), 1h));
  CHECK(connection == std::errc::timed_out);
  CHECK(connection.error().code().category() != timeout_category());
}

TEST_CASE("with_timeout: each of two nested deadlines ends its own operation", "[with_timeout]") {
  IN_EVERY_STYLE(style);
  auto inner = style.wait(with_timeout(as_result(with_timeout(sleep_for(1h), 1us)), 1h));
  REQUIRE(inner);
  CHECK(inner->error() == std::errc::timed_out);
  auto outer = style.wait(with_timeout(with_timeout(sleep_for(1h), 2h), 1us));
  REQUIRE_FALSE(outer);
  CHECK(outer.error() == std::errc::timed_out);
}

TEST_CASE("with_timeout: the nearer of nested deadlines wins", "[with_timeout]") {
  loop here;
  const auto now = loop_clock::now();
  const auto levels = [&](auto nearest, auto middle, auto farthest) {
    return here.run(as_result(with_deadline(
        with_deadline(with_deadline(sleep_for(24h), now + nearest), now + middle), now + farthest)));
  };
  CHECK(levels(1us, 1h, 2h) == std::errc::timed_out);
  CHECK(levels(1h, 1us, 2h) == std::errc::timed_out);
  CHECK(levels(2h, 1h, 1us) == std::errc::timed_out);
  // The deadline that expires decides where an operation inside goes on.
  int reached = 0;
  const auto inner_gives_up = [&]() -> task<> {
    const auto ended = co_await as_result(with_timeout(sleep_for(24h), 1us));
    CHECK(ended == std::errc::timed_out);
    ++reached;
  };
  here.run(with_timeout(inner_gives_up, 1h));
  CHECK(reached == 1);
  const auto outer_gives_up = [&]() -> task<> {
    const auto ended = co_await as_result(with_timeout(sleep_for(24h), 1h));
    CHECK(ended == std::errc::operation_canceled);
    ++reached;
    co_await sleep_for(24h);
  };
  CHECK(here.run(as_result(with_timeout(outer_gives_up, 1us))) == std::errc::timed_out);
  CHECK(reached == 2);
}

TEST_CASE("with_timeout: completes after the kernel has returned a read or an accept",
          "[with_timeout][stop][kernel]") {
  IN_EVERY_STYLE(style);
  const auto before = open_descriptors();
  {
    loop here;
    pipe_ends ends;
    const file reader = file::from_descriptor(ends.release_reader());
    auto room = std::make_unique<std::array<char, 4096>>();
    auto read = style.wait(with_timeout(reader.read_some(*room), 1us));
    room.reset();
    REQUIRE_FALSE(read);
    CHECK(read.error() == std::errc::timed_out);
    CHECK(here.in_flight() == 0);

    const auto listening = style.wait(tcp::listen(endpoint::loopback()));
    auto accepted = style.wait(with_timeout(listening->accept(), 1us));
    REQUIRE_FALSE(accepted);
    CHECK(accepted.error() == std::errc::timed_out);
    CHECK(here.in_flight() == 0);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("with_timeout: a stop from outside ends it as cancelled, not as timed_out",
          "[with_timeout][stop]") {
  loop here;
  auto waiting = spawn(with_timeout(sleep_for(1h), 2h));
  waiting.request_stop();
  CHECK(here.run(as_result(std::move(waiting))).error() == std::errc::operation_canceled);
}
