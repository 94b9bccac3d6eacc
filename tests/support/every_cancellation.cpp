#include "every_cancellation.hpp"

#include "allocations.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/loop/loop.hpp"
#include "braid/style/spawn.hpp"
#include "catch.hpp"
#include "every_allocation.hpp"
#include "fresh_thread.hpp"
#include "recorder.hpp"

namespace braid_tests {

namespace {

using program_type = braid::unique_function<braid::task<>()>;

// A loop that does one thing a turn, and counts unhandled errors as faults.
struct small_step_loop : braid::loop {
  explicit small_step_loop(int& unhandled_errors) : loop({.operations_per_turn = 1}) {
    on_unhandled_error([&unhandled_errors](const braid::error&) { ++unhandled_errors; });
  }
};

// Returns false if the program ends before that suspension.
bool stopped_at(std::size_t suspension, program_type& program, may_fail how) {
  int unhandled_errors = 0;
  small_step_loop here(unhandled_errors);
  braid::stop_source stop;
  if (suspension == 0) stop.request_stop();
  recorded op(braid::with_stop_token(program(), stop.get_token()));
  op.start();
  for (std::size_t step = 1; !op.done(); ++step) {
    REQUIRE(here.has_work());  // otherwise the program hangs
    if (step == suspension) stop.request_stop();
    here.turn(true);
  }
  here.run();
  CHECK(op.heard.times == 1);
  CHECK(unhandled_errors == 0);
  if (how == may_fail::with_cancellation_only && !op.result())
    CHECK(op.result().error() == std::errc::operation_canceled);
  if (!stop.stop_requested()) CHECK(op.result().has_value());
  return stop.stop_requested();
}

bool ended_at(std::size_t suspension, program_type& program, may_fail how) {
  int unhandled_errors = 0;
  bool ended_by_itself = false;
  {
    small_step_loop here(unhandled_errors);
    const auto running = braid::spawn(program());
    for (std::size_t step = 0; step < suspension && !ended_by_itself; ++step) {
      ended_by_itself = running.is_ready();
      if (!ended_by_itself) here.turn(true);
    }
  }
  if (how == may_fail::with_cancellation_only) CHECK(unhandled_errors == 0);
  return !ended_by_itself;
}

std::size_t sweep(program_type& program, may_fail how) {
  std::size_t suspensions = 0;
  for (bool stopped = true; stopped; ++suspensions) {
    INFO("stop was requested at suspension " << suspensions);
    stopped = stopped_at(suspensions, program, how);
  }
  std::size_t suspension = 0;
  for (bool ended = true; ended; ++suspension) {
    INFO("the loop ended at suspension " << suspension);
    ended = ended_at(suspension, program, how);
  }
  return suspensions - 1;
}

}  // namespace

std::size_t detail::every_cancellation(program_type program, may_fail how, bool without_memory) {
  const std::size_t suspensions = sweep(program, how);
  const std::size_t alive = allocations_alive();
  on_fresh_thread([&] { sweep(program, how); });
  const std::size_t left = allocations_alive();
  CHECK(left <= alive);
  if (without_memory) every_allocation(program, how);
  return suspensions;
}

}  // namespace braid_tests
