#include "braid/std/as_std_sender.hpp"

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "braid/core/just.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "loop_thread.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

/// Records how a sender of std::execution completes.
struct heard {
  int values = 0, errors = 0, stops = 0;
  std::exception_ptr failure;
  std::thread::id on;
  stdexec::inplace_stop_source stop;

  struct environment {
    stdexec::inplace_stop_token token;
    [[nodiscard]] auto query(stdexec::get_stop_token_t) const noexcept { return token; }
  };
  struct receiver {
    using receiver_concept = stdexec::receiver_t;
    heard* self;
    void set_value(auto&&...) && noexcept { ++self->values, self->note(); }
    void set_error(std::exception_ptr why) && noexcept { ++self->errors, self->failure = why, self->note(); }
    void set_stopped() && noexcept { ++self->stops, self->note(); }
    [[nodiscard]] environment get_env() const noexcept { return {self->stop.get_token()}; }
  };
  void note() noexcept { on = std::this_thread::get_id(); }
  [[nodiscard]] int times() const noexcept { return values + errors + stops; }
};
template <class S>
struct operation {
  explicit operation(S op) : state(stdexec::connect(std::move(op), heard::receiver{&ended})) {
    stdexec::start(state);
  }
  heard ended;
  stdexec::connect_result_t<S, heard::receiver> state;
};

task<int> slow(int n) {
  co_await sleep_for(1ms);
  if (n == 0) throw std::out_of_range("zero");
  co_return n;
}

}  // namespace

static_assert(stdexec::sender<decltype(as_std_sender(just(1)))>);

TEST_CASE("as_std_sender: the value or the error of the operation", "[std][as_std_sender]") {
  loop home;
  operation value(as_std_sender(slow(3)));
  operation nothing(as_std_sender([] { return sleep_for(1ms); }));
  operation moved(as_std_sender(just(std::make_unique<int>(1))));
  operation thrown(as_std_sender(slow(0)));
  operation failed(as_std_sender(just_error<int>(error(std::make_error_code(std::errc::io_error), "ask"))));
  home.run();
  CHECK(value.ended.values == 1);
  CHECK(nothing.ended.values == 1);
  CHECK(moved.ended.values == 1);
  CHECK_THROWS_AS(std::rethrow_exception(thrown.ended.failure), std::out_of_range);
  CHECK_THROWS_WITH(std::rethrow_exception(failed.ended.failure), "ask: Input/output error");
  CHECK(value.ended.times() + nothing.ended.times() + moved.ended.times() == 3);
}

TEST_CASE("as_std_sender: takes the algorithms of std::execution", "[std][as_std_sender][threads]") {
  loop_thread other;
  auto both = stdexec::when_all(as_std_sender(other.there(), [] { return slow(3); }),
                                as_std_sender(other.there(), [] { return slow(4); })) |
              stdexec::then([](int a, int b) { return a * b; });
  CHECK(std::get<0>(stdexec::sync_wait(std::move(both)).value()) == 12);
  // The failure stops the other operation.
  auto fails = stdexec::when_all(as_std_sender(other.there(), [] { return slow(0); }),
                                 as_std_sender(other.there(), [] { return sleep_for(1h); }));
  CHECK_THROWS_AS(stdexec::sync_wait(std::move(fails)), std::out_of_range);
}

TEST_CASE("as_std_sender: a stop request on any thread stops the operation",
          "[std][as_std_sender][threads]") {
  loop home;
  operation op(as_std_sender([] { return sleep_for(1h); }));
  SECTION("the loop's") {
    op.ended.stop.request_stop();
    home.run();
  }
  SECTION("another") {
    std::thread other([&] { op.ended.stop.request_stop(); });
    home.run();
    other.join();
  }
  CHECK(op.ended.stops == 1);
  CHECK(op.ended.times() == 1);
  CHECK(op.ended.on == std::this_thread::get_id());
}

TEST_CASE("as_std_sender: a cancellation that nobody requested is an error", "[std][as_std_sender]") {
  loop home;
  operation op(as_std_sender(just_error<int>(std::errc::operation_canceled)));
  home.run();
  CHECK(op.ended.errors == 1);
}

TEST_CASE("as_std_sender: without a loop it completes with a std::logic_error", "[std][as_std_sender]") {
  operation op(as_std_sender([] { return sleep_for(1h); }));
  CHECK_THROWS_AS(std::rethrow_exception(op.ended.failure), std::logic_error);
}

TEST_CASE("as_std_sender: on a given loop it begins and completes there", "[std][as_std_sender][threads]") {
  loop_thread other;
  auto where =
      as_std_sender(other.there(), [] { return just_from([] { return std::this_thread::get_id(); }); }) |
      stdexec::then([](std::thread::id made) { return std::pair(made, std::this_thread::get_id()); });
  const auto [both] = stdexec::sync_wait(std::move(where)).value();
  CHECK(both.first == other.id());
  CHECK(both.second == other.id());
}

TEST_CASE("as_std_sender: a loop that has ended or ends completes it with set_stopped",
          "[std][as_std_sender]") {
  std::optional<loop> home(std::in_place);
  loop* const there = &*home;
  operation in_flight(as_std_sender(*there, [] { return sleep_for(1h); }));
  home->run(yield());
  CHECK(in_flight.ended.times() == 0);
  home.reset();
  CHECK(in_flight.ended.stops == 1);
  operation too_late(as_std_sender(*there, [] { return sleep_for(1h); }));
  CHECK(too_late.ended.stops == 1);
  CHECK(too_late.ended.times() == 1);
}
