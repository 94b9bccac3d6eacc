// The samples of docs/phrasebook.md: other threads, callbacks, errors and tests.
#include <filesystem>
#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "sample.hpp"

using namespace braid;

namespace {

// [offload]
task<long> on_another_thread(std::vector<int> numbers) {
  const auto sum = [](const std::vector<int>& of) { return std::accumulate(of.begin(), of.end(), 0L); };
  co_return co_await offload(sum, std::move(numbers));  // not for long computations on all cores
}
// [/offload]

// [pool]
task<long> on_threads_of_its_own(std::vector<int> numbers) {
  offload_pool pool({.name = "sums", .threads = 2, .queue = 64});  // for many calls; it outlives them
  const auto sum = [](const std::vector<int>& of) { return std::accumulate(of.begin(), of.end(), 0L); };
  co_return co_await pool.run(sum, std::move(numbers));  // errc::queue_full, if 64 wait already
}
// [/pool]

// [interruptible]
task<bool> stop_a_computation() {
  const auto count = [](stop_token until, long from) {  // it gets the operation's token first
    while (!until.stop_requested()) ++from;
    return from;
  };
  auto counting = spawn(offload(count, 1L));
  counting.request_stop();
  const auto ended = co_await as_result(std::move(counting));
  co_return ended == std::errc::operation_canceled || *ended > 0;  // it had not begun, or has returned
}
// [/interruptible]

// [abandonable]
task<bool> does_not_wait_for_its_end() {
  const auto exists = [](const std::string& path) { return std::filesystem::exists(path); };  // may hang
  auto asking = offload_abandonable(exists, std::string("/"));  // it owns all that it uses
  co_return co_await with_timeout(std::move(asking), 1min);  // ends after a minute, and leaves the thread
}
// [/abandonable]

// [post]
task<int> from_another_thread() {
  const auto numbers = std::make_shared<channel<int>>(channel<int>::unbounded);
  const std::jthread other([numbers, &home = loop::current()] {
    home.post([numbers] { (void)numbers->try_send(42); });  // the channel belongs to the loop
  });
  co_return (co_await numbers->receive()).value();
}
// [/post]

// [promise]
int wait_for_a_thread() {
  loop here;
  promise<int> answer;
  auto asked = answer.get_future();
  const std::jthread other([answer = std::move(answer)]() mutable { answer.set_value(42); });  // any thread
  return here.run(std::move(asked));
}
// [/promise]

// [resume_on]
task<bool> move_to_another_loop(loop& screen, std::thread::id thread_of_screen) {
  co_await resume_on(screen);
  co_return std::this_thread::get_id() == thread_of_screen;  // the caller goes on at home
}
// [/resume_on]

// [callback]
void measure(std::function<void(int failure, double degrees)> call_back) {  // of another library
  std::jthread([call_back] { call_back(0, 21.5); }).detach();
}

auto temperature() {
  return from_callback<double>([](callback_done<double> done) {
    measure([done](int failure, double degrees) {  // on any thread
      failure == 0 ? done(degrees) : done(std::error_code(failure, std::generic_category()));
    });
  });
}
// [/callback]

// [errors]
task<std::string> all_that_failed() {
  const auto ended = co_await as_result(first_ok(fetch("broken"), fetch("broken"), fetch("broken")));
  const error& first = ended.error();  // stands for all of them
  co_return first.message() + " and " + std::to_string(first.suppressed().size()) + " more";
}
// [/errors]

// [result]
task<std::string> value_or_exception() {
  try {
    co_return co_await fetch("broken");  // throws what fetch throws
  } catch (const std::runtime_error&) {  // no co_await in here
  }
  const auto ended = co_await as_result(fetch("broken"));  // throws nothing
  co_return ended ? *ended : "yesterday's page";
}
// [/result]

// [dump]
std::string what_waits_where() {
  event permission;
  loop here({.track_tasks = true});
  const auto waiter = [&]() -> task<> { co_await permission.wait(); };
  auto waiting = spawn(waiter);
  here.run();
  return format_tasks(dump_tasks(here));  // the stack of each task, and since when it waits
}
// [/dump]

// [clock]
bool test_a_day() {
  const sim::virtual_time clock;  // for the loops that this thread makes from now on
  run(sleep_for(24h));  // returns at once
  return clock.now() == loop_clock::time_point(24h);
}
// [/clock]

task<bool> on_two_loops() {
  promise<loop*> begun;
  auto there = begun.get_future();
  promise<void> done;
  auto may_end = done.get_future();
  std::jthread other([begun = std::move(begun), may_end = std::move(may_end)]() mutable {
    loop screen;
    begun.set_value(&screen);
    screen.run(std::move(may_end));
  });
  loop& screen = *co_await std::move(there);
  const bool moved = co_await move_to_another_loop(screen, other.get_id());
  done.set_value();
  co_return moved;
}

}  // namespace

int main() {
  const std::vector<int> numbers(10'000, 2);
  int failures = 0;
  const auto check = [&](const char* name, bool right) {
    if (right) return;
    std::fprintf(stderr, "%s gives another value\n", name);
    ++failures;
  };
  check("offload", run(on_another_thread(numbers)) == 20'000);
  check("pool", run(on_threads_of_its_own(numbers)) == 20'000);
  check("interruptible", run(stop_a_computation()));
  check("abandonable", run(does_not_wait_for_its_end()));
  check("post", run(from_another_thread()) == 42);
  check("promise", wait_for_a_thread() == 42);
  check("resume_on", run(on_two_loops()));
  check("callback", run(temperature()) == 21.5);
  check("dump", what_waits_where().find("threads.cpp") != std::string::npos);
  check("clock", test_a_day());
  samples all;
  all.expect("errors", all_that_failed(), "no answer and 2 more", 10ms);
  all.expect("result", value_or_exception(), "yesterday's page", 20ms);
  return failures + all.failures();
}
