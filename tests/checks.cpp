#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"
#include "child_process.hpp"

// Each case of crash/checks.cpp makes one mistake, or does the right thing that looks like it.

namespace {

using braid_tests::child_end;
using braid_tests::contains;

std::string errors_of(const std::string& which, const std::string& on) {
  const child_end ended =
      braid_tests::run_program(braid_tests::crash_program("checks"), {which},
                               {"BRAID_CHECKS=" + on, "BRAID_CHECKS_HOLD_MS=100", "BRAID_QUIET=1"});
  INFO(which << ": " << ended.errors);
  CHECK(ended.output == "lived on\n");
  CHECK(ended.exit_status() == 0);
  return ended.errors;
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++found;
  return found;
}

// The mistake is found once, or `times`, with the parts in this order. Without the checks nothing is printed.
void is_found(const std::string& which, const std::vector<std::string>& parts, std::size_t times = 1) {
  CHECK(errors_of(which, "0").empty());
  const std::string errors = errors_of(which, "1");
  INFO(which << ": " << errors);
  CHECK(count(errors, "braid: check: ") == times);
  std::size_t at = 0;
  for (const std::string& part : parts) {
    INFO(part);
    at = errors.find(part, at);
    REQUIRE(at != std::string::npos);
  }
}

TEST_CASE("checks: a task that holds the loop is found, with its stack", "[checks]") {
  is_found("held_until_await", {"the loop was held for ", " ms\n", "  at ", "computes_until_an_await",
                                "  started at ", "held_until_await"});
  is_found("held_at_end",
           {"the loop was held for ", "computes_after_yield", "operator()", "  started at ", "held_at_end"});
}

TEST_CASE("checks: a fiber, a handler and a posted function that hold the loop are found", "[checks]") {
  is_found("held_by_fiber", {"the loop was held for ", "held_by_fiber", "  started at ", "held_by_fiber"});
  is_found("held_by_handler", {"the loop was held for ", "  started at ", "held_by_handler"});
  is_found("held_by_post", {"the loop was held for "});
}

TEST_CASE("checks: short steps, work outside of the loop and virtual time hold no loop", "[checks]") {
  CHECK(errors_of("not_held", "1").empty());
  CHECK(errors_of("not_held_on_virtual_time", "1").empty());
}

TEST_CASE("checks: a task that never begins is found, once for each function", "[checks]") {
  is_found("unbegun", {"never awaited nor given to a verb: ", "greets", "waves"}, 2);
  is_found("unbegun_in_task", {"greets", "  at ", "forgets_to_await", "  started at "});
}

TEST_CASE("checks: a task that began, is unwound, or ends with its loop is no mistake", "[checks]") {
  CHECK(errors_of("begun", "1").empty());
}

TEST_CASE("checks: an error that reaches no waiter is found", "[checks]") {
  is_found("unseen", {"an error reached no waiter", "Input/output error", "settle_too_late"});
  is_found("unseen_in_merge", {"the second half is gone", "fails_behind"});
}

TEST_CASE("checks: an error that is received or handled is no mistake", "[checks]") {
  CHECK(errors_of("seen", "1").empty());
}

TEST_CASE("checks: a task that sleeps while it holds a mutex is found", "[checks]") {
  is_found("sleep_in_task", {"a task sleeps while it holds the mutex that it locked at ", "sleeps_under",
                             "  at ", "sleeps_under", "  started at "});
  is_found("sleep_in_child", {"locked at ", "pauses_under", "  at ", "pauses", "  at ", "pauses_under"});
  is_found("sleep_in_fiber", {"locked at ", "sleep_in_fiber", "  at "});
  is_found("sleep_for_a_beat", {"locked at ", "sleep_for_a_beat", "  at "});
  is_found("sleep_while_others_wait", {"locked at ", "sleeps_under"});
}

TEST_CASE("checks: other waits under a mutex, and sleeps after it, are no mistake", "[checks]") {
  CHECK(errors_of("no_sleep_under_lock", "1").empty());
}

TEST_CASE("checks: a mutex or a loop that is used on another thread is found", "[checks]") {
  is_found("mutex_on_two_loops", {"the mutex is used on the threads of two loops", "locks", "  started at "});
  is_found("timer_on_another_loop",
           {"an operation is begun on a loop of another thread", "timer_on_another_loop"});
  CHECK(errors_of("mutex_on_one_loop_after_another", "1").empty());
}

TEST_CASE("checks: BRAID_CHECKS takes 0 or 1, and BRAID_CHECKS_HOLD_MS a number", "[checks]") {
  const auto errors = [](const std::string& variable) {
    return braid_tests::run_program(braid_tests::crash_program("checks"), {"held_by_post"},
                                    {"BRAID_CHECKS=1", variable})
        .errors;
  };
  CHECK_THAT(errors("BRAID_CHECKS=yes"), contains("BRAID_CHECKS is 'yes'; it takes 0 or 1"));
  for (const char* wrong : {"0", "10ms", "-1", ""})
    CHECK_THAT(errors("BRAID_CHECKS_HOLD_MS=" + std::string(wrong)),
               contains("BRAID_CHECKS_HOLD_MS is '" + std::string(wrong) + "'"));
}

}  // namespace
