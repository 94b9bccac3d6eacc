// Functions of offload that get a stop token.

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "braid/combine/with_timeout.hpp"
#include "braid/core/stop_token.hpp"
#include "braid/schedule/offload.hpp"
#include "braid/sim/virtual_time.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "recorder.hpp"

using namespace braid;
using namespace std::chrono_literals;
using braid_tests::recorded;

namespace {

void wait_for_stop(const stop_token& until) {
  while (!until.stop_requested()) std::this_thread::yield();
}
int gives_up(stop_token until) {
  wait_for_stop(until);
  error(std::errc::operation_canceled).rethrow();
}
int finishes(stop_token until, int value) {
  wait_for_stop(until);
  return value;
}

}  // namespace

TEST_CASE("offload: a function gets a stop token if it takes one first", "[schedule][offload][threads]") {
  IN_EVERY_STYLE(style);
  const auto asked = [](stop_token until) { return until.stop_requested(); };
  CHECK(style.wait(offload(asked)).value() == false);
  const auto both = [](stop_token until, std::unique_ptr<int> owned, const std::string& text) {
    return until.stop_possible() ? *owned + static_cast<int>(text.size()) : -1;
  };
  CHECK(style.wait(offload(both, std::make_unique<int>(4), "abc")).value() == 7);
  // One that can be called either way gets it.
  const auto either = [](auto... arguments) { return sizeof...(arguments); };
  CHECK(style.wait(offload(either)).value() == 1);
  CHECK(style.wait(offload(either, 1, 2)).value() == 3);
  struct worker {
    int factor;
    int multiply(stop_token until, int by) { return until.stop_requested() ? 0 : factor * by; }
  };
  // The object comes before a token, so a member function that takes one needs a lambda.
  CHECK(style.wait(offload([](stop_token until, worker w) { return w.multiply(until, 3); }, worker{5}))
            .value() == 15);
}

TEST_CASE("offload: a time-out ends a function that obeys its token", "[schedule][offload][stop][threads]") {
  IN_EVERY_STYLE(style);
  CHECK(style.wait(with_timeout(offload(gives_up), 1ms)).error() == std::errc::timed_out);
}

TEST_CASE("offload: the value of a function that was asked to stop is not lost",
          "[schedule][offload][stop][threads]") {
  loop home;
  stop_source source;
  recorded op(offload(finishes, 7), source.get_token());
  op.start();
  SECTION("by its loop's thread") { source.request_stop(); }
  SECTION("by another thread") {
    std::thread([&] { source.request_stop(); }).join();
  }
  home.run();
  REQUIRE(op.heard.times == 1);
  // A function that no thread had begun yet was withdrawn.
  if (!op.result())
    CHECK(op.result().error() == std::errc::operation_canceled);
  else
    CHECK(*op.result() == 7);
}

TEST_CASE("offload: a function that has begun is stopped and awaited", "[schedule][offload][stop][threads]") {
  loop home;
  stop_source source;
  std::atomic<bool> begun{false};
  const auto works = [&](stop_token until, bool has_value) {
    begun = true;
    begun.notify_one();
    return has_value ? finishes(until, 7) : gives_up(until);
  };
  const bool has_value = GENERATE(true, false);
  recorded op(offload(works, has_value), source.get_token());
  op.start();
  begun.wait(false);
  home.turn(false);
  CHECK_FALSE(op.done());
  source.request_stop();
  home.run();
  REQUIRE(op.heard.times == 1);
  if (has_value)
    CHECK(*op.result() == 7);
  else
    CHECK(op.result().error() == std::errc::operation_canceled);
}

TEST_CASE("offload: the loop's end stops a function that has begun", "[schedule][offload][stop][threads]") {
  std::atomic<bool> begun{false};
  std::optional<result<int>> ended;
  {
    loop home;
    const auto works = [&](stop_token until) {
      begun = true;
      begun.notify_one();
      return finishes(until, 7);
    };
    start(offload(works), [&](result<int> how) { ended.emplace(std::move(how)); });
    begun.wait(false);
  }
  REQUIRE(ended);
  CHECK(ended->value() == 7);
}

TEST_CASE("offload: a stop_callback of a function runs on the loop's thread",
          "[schedule][offload][stop][threads]") {
  loop home;
  stop_source source;
  std::atomic<bool> begun{false}, called{false};
  std::thread::id on;
  const auto works = [&](stop_token until) {
    const auto note = [&]() noexcept {
      on = std::this_thread::get_id();
      called = true;
      called.notify_one();
    };
    const stop_callback noted(until, note);
    begun = true;
    begun.notify_one();
    called.wait(false);
  };
  recorded op(offload(works), source.get_token());
  op.start();
  begun.wait(false);
  std::thread([&] { source.request_stop(); }).join();
  home.run();
  CHECK(op.result());
  CHECK(on == std::this_thread::get_id());
}

TEST_CASE("offload: can be stopped at each suspension while its function obeys",
          "[schedule][offload][stop]") {
  const sim::virtual_time clock;
  braid_tests::every_cancellation([]() -> task<> {
    const auto adds = [](stop_token until, int a, int b) { return until.stop_requested() ? 0 : a + b; };
    const int first = co_await offload(adds, 3, 4);
    const int second = co_await offload(adds, first, 1);
    CHECK(second == 8);
  });
}
