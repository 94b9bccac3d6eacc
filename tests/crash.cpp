#include <csignal>
#include <string>
#include <vector>

#include "catch.hpp"
#include "child_process.hpp"

// The programs in crash/ must abort with a message: after an unhandled exception, or after a misuse that no
// exception can report.

namespace {

using braid_tests::child_end;
using braid_tests::contains;

child_end aborted(const std::string& name) {
  child_end ended = braid_tests::run_program(braid_tests::crash_program(name));
  INFO(name << ": " << ended.output << ended.errors);
  CHECK(ended.signal() == SIGABRT);
  CHECK(ended.output.find("lived on") == std::string::npos);
  return ended;
}

TEST_CASE("crash: an unhandled error is printed with its asynchronous stack, then the program terminates",
          "[crash]") {
  const std::string errors = aborted("unhandled_error").errors;
  CHECK_THAT(errors, contains("braid: unhandled error: the disk is gone\n"));
  std::vector<std::size_t> frames;
  for (const char* function : {"innermost", "between", "outermost", "main()"})
    frames.push_back(errors.find(function));
  INFO(errors);
  for (std::size_t n = 0; n < frames.size(); ++n) {
    REQUIRE(frames[n] != std::string::npos);
    if (n > 0) CHECK(frames[n - 1] < frames[n]);
  }
  CHECK_THAT(errors, contains("unhandled_error.cpp:"));
  CHECK_THAT(errors, contains("  started at int main()"));
}

TEST_CASE(
    "crash: an uncaught error is printed with its asynchronous stack, then the terminate handler is called",
    "[crash]") {
  const std::string errors = aborted("uncaught_error").errors;
  CHECK_THAT(errors, contains("braid: uncaught error: the disk is gone\n"));
  std::vector<std::size_t> frames;
  for (const char* part : {"innermost", "outermost", "  started at int main()", "the program's own handler"})
    frames.push_back(errors.find(part));
  for (std::size_t n = 0; n < frames.size(); ++n) {
    REQUIRE(frames[n] != std::string::npos);
    if (n > 0) CHECK(frames[n - 1] < frames[n]);
  }
}

TEST_CASE("crash: an exception from a posted function is an unhandled error", "[crash]") {
  CHECK_THAT(aborted("unhandled_post").errors, contains("braid: unhandled error: spool: "));
}

TEST_CASE("crash: an error that is dropped after its loop's end is still reported", "[crash]") {
  CHECK_THAT(aborted("unseen_error_too_late").errors, contains("braid: unhandled error: seen by nobody"));
}

TEST_CASE("crash: a handler of unhandled errors that throws terminates the program", "[crash]") {
  CHECK_THAT(aborted("throwing_handler").errors, contains("the handler's own"));
}

TEST_CASE("crash: destroying a loop on another thread aborts with a message", "[crash]") {
  CHECK_THAT(aborted("loop_ended_elsewhere").errors,
             contains("braid: ~loop: this is not the thread that made the loop"));
}

TEST_CASE("crash: destroying a loop from its own work aborts with a message", "[crash]") {
  CHECK_THAT(aborted("loop_ended_while_running").errors, contains("braid: ~loop: the loop is running"));
}

TEST_CASE("crash: reading the value of a failed result aborts with a message", "[crash]") {
  CHECK_THAT(aborted("error_as_value").errors,
             contains("braid: result: operator* on an error: Connection timed out"));
}

TEST_CASE("crash: destroying a future that a select waits for aborts with a message", "[crash]") {
  CHECK_THAT(aborted("future_in_select").errors, contains("braid: future: a select waits for it"));
}

TEST_CASE("crash: next of an incoming that was moved from aborts with a message", "[crash]") {
  CHECK_THAT(aborted("incoming_moved_from").errors,
             contains("braid: incoming::next: the incoming was moved from"));
}

TEST_CASE("crash: received bytes that end on another thread abort with a message", "[crash]") {
  CHECK_THAT(aborted("leased_bytes_on_two_threads").errors,
             contains("braid: leased_bytes: it ends on another thread than its loop's"));
}

TEST_CASE("crash: using a channel on two threads aborts with a message", "[crash]") {
  const std::string errors = aborted("channel_on_two_threads").errors;
  CHECK_THAT(errors, contains("braid: channel::receive: it waits on one thread"));
  CHECK_THAT(errors, contains("from another thread use loop::post"));
}

TEST_CASE("crash: destroying a sync object before its waiters aborts with a message", "[crash]") {
  CHECK_THAT(aborted("event_ended_too_early").errors,
             contains("braid: event::wait: the object it waits for was destroyed"));
}

TEST_CASE("crash: destroying a channel before its permits aborts with a message", "[crash]") {
  CHECK_THAT(aborted("permit_outlives_channel").errors,
             contains("braid: ~channel: a permit of it is still held"));
}

TEST_CASE("crash: calling an empty function aborts with a message", "[crash]") {
  CHECK_THAT(aborted("empty_function").errors, contains("braid: an empty function was called"));
}

TEST_CASE("crash: destroying a stop_source before its callbacks aborts with a message", "[crash]") {
  CHECK_THAT(aborted("stop_source_too_short").errors,
             contains("braid: ~stop_source: an operation still obeys its token"));
}

}  // namespace
