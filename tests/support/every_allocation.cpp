#include "every_allocation.hpp"

#include <chrono>
#include <cstddef>
#include <new>
#include <string>
#include <string_view>
#include <system_error>

#include "allocations.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/loop/loop.hpp"
#include "catch.hpp"
#include "fresh_thread.hpp"
#include "recorder.hpp"

namespace braid_tests {

namespace {

using program_type = braid::unique_function<braid::task<>()>;

constexpr std::size_t all_of_first = 200, one_of = 17;

struct outcome {
  bool met_failure = false;
  std::string fault;  // what went wrong; empty if nothing did
};

// Records an error that is not std::bad_alloc. The text needs memory, so allocations no longer fail.
void note(outcome& seen, const char* what, const braid::error& why) {
  if (is_out_of_memory(why)) return;
  fail_allocation(0);
  if (seen.fault.empty()) seen.fault = what + why.message();
}

// If the operation that ends a long sleep has no memory, the sleep goes on. On virtual time it passes at
// once.
bool sleeps_for_long(const braid::loop& here) {
  using namespace std::chrono_literals;
  const auto until = here.operations().next_deadline();
  return !here.operations().has_ready() && here.in_flight() == 0 &&
         until != braid::loop_clock::time_point::max() && until - here.now() > 1min &&
         std::string_view(here.reactor_name()) != "simulation";
}

void run_on_a_loop(program_type& program, may_fail how, outcome& seen) {
  braid::loop here({.operations_per_turn = 1});
  here.on_unhandled_error([&seen](const braid::error& why) { note(seen, "unhandled error: ", why); });
  braid::stop_source stop;
  recorded op(braid::with_stop_token(program(), stop.get_token()));
  op.start();
  while (!op.done() && here.has_work()) {
    if (sleeps_for_long(here)) stop.request_stop();
    here.turn(true);
  }
  if (!op.done()) {
    fail_allocation(0);
    seen.fault = "the program has not ended, and its loop has no work left";
    return;
  }
  here.run();
  const bool gave_up =
      stop.stop_requested() && !op.result() && op.result().error() == std::errc::operation_canceled;
  if (how == may_fail::with_cancellation_only && !op.result() && !gave_up)
    note(seen, "ended with: ", op.result().error());
  if (op.heard.times != 1) seen.fault = "the program ended more than once";
}

outcome run_apart(program_type& program, may_fail how, std::size_t n,
                  lack_of_memory lasts = lack_of_memory::once) {
  outcome seen;
  on_fresh_thread([&] {
    fail_allocation(n, lasts);
    try {
      run_on_a_loop(program, how, seen);
    } catch (const std::bad_alloc&) {
      // thrown by the loop, or by the frame of the program's first coroutine
    } catch (...) {
      note(seen, "threw: ", braid::error::current());
    }
    seen.met_failure = allocation_failed();
    fail_allocation(0);
  });
  return seen;
}

// Returns false if the program makes fewer than n allocations.
bool fails_at(program_type& program, may_fail how, std::size_t n, lack_of_memory lasts) {
  std::size_t before = allocations_alive();
  outcome seen = run_apart(program, how, n, lasts);
  if (allocations_alive() > before) {  // memory that is made once and kept is not allocated again
    before = allocations_alive();
    seen = run_apart(program, how, n, lasts);
  }
  const std::size_t after = allocations_alive();
  INFO("allocation " << n << (lasts == lack_of_memory::once ? " failed" : " and all later ones failed"));
  CHECK(seen.fault == "");
  CHECK(after <= before);
  return seen.met_failure;
}

}  // namespace

bool is_out_of_memory(const braid::error& why) {
  if (why == std::errc::not_enough_memory) return true;
  for (const braid::error& each : why.suppressed())
    if (is_out_of_memory(each)) return true;
  return false;
}

bool memory_lasts() noexcept { return !allocation_failed(); }

void every_allocation(program_type& program, may_fail how) {
  if (!counts_allocations) return;
  (void)run_apart(program, how, 0);
  for (const lack_of_memory lasts : {lack_of_memory::once, lack_of_memory::for_good})
    for (std::size_t n = 1; fails_at(program, how, n, lasts); n += n < all_of_first ? 1 : one_of) {}
}

}  // namespace braid_tests
