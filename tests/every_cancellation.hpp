#pragma once

#include <cstddef>
#include <utility>

#include "allocations.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/loop/loop.hpp"
#include "braid/style/spawn.hpp"
#include "catch.hpp"
#include "recorder.hpp"

/// Cancel at every await: runs a program again and again, and stops it at another suspension each time.
///
///   every_cancellation([]() -> task<> { channel<int> numbers(1); co_await when_all(sends(numbers), …); });
///
/// A suspension is a step of a loop that does one thing a turn. The program makes all that it uses itself, so that each
/// run is a new one. Its second sweep ends the loop there instead of requesting stop.
///
/// Checked are: it is told once, and before the loop runs out of work; what it fails with is a cancellation, unless
/// it may fail otherwise; nobody misses an error; the second time all is done, no more memory is in use than after the
/// first. What AddressSanitizer sees (leaks, use after free, a buffer in flight) comes on top.
namespace braid_tests {

enum class may_fail { with_cancellation_only, with_anything };

namespace detail {

// A loop of small steps, on which an error that nobody waits for is a fault.
struct small_step_loop : braid::loop {
  small_step_loop() : loop({.operations_per_turn = 1}) {
    on_unhandled_error([this](const braid::error&) { ++missed_errors; });
  }
  int missed_errors = 0;
};

// False when the program ended before its suspension of that number.
template <class Program>
bool stopped_at(std::size_t suspension, Program& program, may_fail how) {
  small_step_loop here;
  braid::stop_source stop;
  if (suspension == 0) stop.request_stop();
  recorded op(braid::with_stop_token(braid::as_sender(Program(program)), stop.get_token()));
  op.start();
  for (std::size_t step = 1; !op.done(); ++step) {
    REQUIRE(here.has_work());  // else it hangs
    if (step == suspension) stop.request_stop();
    here.turn(true);
  }
  here.run();
  CHECK(op.heard.times == 1);
  CHECK(here.missed_errors == 0);
  if (how == may_fail::with_cancellation_only && !op.result())
    CHECK(op.result().error() == std::errc::operation_canceled);
  if (!stop.stop_requested()) CHECK(op.result().has_value());
  return stop.stop_requested();
}

template <class Program>
bool ended_at(std::size_t suspension, Program& program) {
  small_step_loop here;
  const auto running = braid::spawn(Program(program));
  for (std::size_t step = 0; step < suspension; ++step) {
    if (running.is_ready()) return false;
    here.turn(true);
  }
  return true;
}

template <class Program>
std::size_t sweep(Program& program, may_fail how) {
  std::size_t suspensions = 0;
  for (bool stopped = true; stopped; ++suspensions) {
    INFO("stop was requested at suspension " << suspensions);
    stopped = stopped_at(suspensions, program, how);
  }
  for (std::size_t suspension = 0; ended_at(suspension, program); ++suspension) {}
  return suspensions - 1;
}

}  // namespace detail

/// How many suspensions the program has. The program is a function that returns a sender; it succeeds when it is let.
template <braid::sender_factory Program>
std::size_t every_cancellation(Program program, may_fail how = may_fail::with_cancellation_only) {
  const std::size_t suspensions = detail::sweep(program, how);
  const std::size_t alive = allocations_alive();
  detail::sweep(program, how);
  CHECK(allocations_alive() <= alive);
  return suspensions;
}

}  // namespace braid_tests
