// The samples of docs/guide.md: other threads, errors, and a program that hangs.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "braid/braid.hpp"

using namespace std::chrono_literals;

namespace {

// [threads]
braid::task<int> add_from_a_thread() {
  // Shared: what was posted may run after this task has ended, for it may be cancelled.
  const auto numbers = std::make_shared<braid::channel<int>>(braid::channel<int>::unbounded);
  braid::loop& home = braid::loop::current();
  const std::jthread other([numbers, &home] {
    for (int n = 1; n <= 3; ++n)
      home.post([numbers, n] { (void)numbers->try_send(n); });  // runs on the loop's thread
    home.post([numbers] { numbers->close(); });
  });
  int sum = 0;
  while (auto number = co_await numbers->receive()) sum += *number;
  co_return sum;
}

int ask_a_thread() {
  braid::loop loop;
  braid::promise<int> answer;
  auto asked = answer.get_future();
  const std::jthread other([answer = std::move(answer)]() mutable { answer.set_value(42); });
  return loop.run(std::move(asked));  // not loop.run(): a promise is no work of the loop
}
// [/threads]

// [errors]
braid::task<std::string> load_settings(std::string path) { co_return co_await braid::read_file(path); }

braid::task<std::string> start_up() {
  // As a value: nothing is thrown.
  const auto settings = co_await braid::as_result(load_settings("/no/such/file"));
  if (!settings && settings.error() == std::errc::no_such_file_or_directory)
    std::printf("%s\n", settings.error().message().c_str());

  // As an exception: std::system_error for the system's failures, your own type for your own.
  try {
    co_return co_await load_settings("/no/such/file");
  } catch (const std::system_error&) {
    const braid::error known = braid::error::current();  // all that braid knows of the exception
    co_return braid::format_stack(known);
  }
}
// [/errors]

void cancel_the_sum() {
  braid::loop loop;
  braid::stop_source stop;
  stop.request_stop();
  auto cancelled = braid::with_stop_token(add_from_a_thread(), stop.get_token());
  const auto sum = loop.run(braid::as_result(std::move(cancelled)));
  loop.run();  // what the thread has posted runs now
  std::printf("the sum is %s\n", sum ? "known" : sum.error().message().c_str());
}

void lose_an_error() {
  braid::loop loop;
  loop.on_unhandled_error([](const braid::error& lost) {
    std::fputs(braid::format_stack(lost).c_str(), stderr);  // with file and line
    std::printf("lost: %s\n", lost.message().c_str());
  });
  braid::detach(load_settings("/no/such/file"));
  loop.run();
}

// [hang]
braid::task<> wait_for_permission(braid::event& permission) { co_await permission.wait(); }

std::string find_the_hang() {
  braid::event permission;                  // before the loop, so that it outlives what waits for it
  braid::loop loop({.track_tasks = true});  // or BRAID_TRACK_TASKS=1 in the environment
  auto waiting = braid::spawn(wait_for_permission(permission));
  loop.run();  // returns: waiting for an event is no work of the loop
  return braid::format_tasks(braid::dump_tasks(loop));
}
// [/hang]

// [checks]
// Called first; the tests run with BRAID_CHECKS=1 in their environment.
void fail_on_mistakes() {
  braid::on_finding([](const braid::finding& found) {
    std::fputs(braid::format_finding(found).c_str(), stderr);
    if (found.what != braid::mistake::held_loop) std::abort();
  });
}
// [/checks]

}  // namespace

int main() {
  fail_on_mistakes();
  std::printf("the sum is %d\n", braid::run(add_from_a_thread()));
  cancel_the_sum();
  std::printf("the answer is %d\n", ask_a_thread());
  const std::string stack = braid::run(start_up());
  std::fputs(stack.c_str(), stderr);
  const bool names_both = stack.find("load_settings") != stack.npos && stack.find("start_up") != stack.npos;
  std::printf("the stack names %s\n", names_both ? "both tasks" : "too little");
  lose_an_error();
  const std::string tasks = find_the_hang();
  std::fputs(tasks.c_str(), stderr);
  std::printf("the dump names %s\n",
              tasks.find("wait_for_permission") != tasks.npos ? "the task" : "too little");
}
