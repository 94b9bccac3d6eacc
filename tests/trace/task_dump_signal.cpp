#include "braid/trace/task_dump_signal.hpp"

#include <pthread.h>

#include <atomic>
#include <csignal>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "braid/loop/nop.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/task.hpp"
#include "braid/sync/event.hpp"
#include "catch.hpp"
#include "child_process.hpp"

using namespace braid;
using namespace braid_tests;

namespace {

constexpr loop_options tracking{.track_tasks = true};

void (*handler_of(int signal))(int) {
  struct sigaction now{};
  ::sigaction(signal, nullptr, &now);
  return now.sa_handler;
}

}  // namespace

TEST_CASE("task_dump_signal: each signal gives the tasks to the sink in the loop's next turn",
          "[trace][task_dump_signal]") {
  loop here(tracking);
  event never;
  auto waiting = spawn(never.wait());
  std::vector<std::size_t> seen;
  const task_dump_signal on_demand(SIGUSR1,
                                   [&](const task_dump& dump) { seen.push_back(dump.frames.size()); });
  ::raise(SIGUSR1);
  CHECK(seen.empty());
  here.run();
  CHECK(seen == std::vector<std::size_t>{1});
  ::raise(SIGUSR1);
  ::raise(SIGUSR1);  // the first one has not been handled yet
  here.run();
  CHECK(seen == std::vector<std::size_t>{1, 1});
  never.set();
  here.run(std::move(waiting));
}

TEST_CASE("task_dump_signal: wakes a sleeping loop, whichever thread gets the signal",
          "[trace][task_dump_signal][threads]") {
  loop here(tracking);
  promise<void> seen;
  auto waiting = seen.get_future();
  bool dumped = false;
  const task_dump_signal on_demand(SIGUSR1, [&](const task_dump&) {
    if (!std::exchange(dumped, true)) seen.set_value();
  });
  std::thread elsewhere([] { ::raise(SIGUSR1); });
  here.run(std::move(waiting));
  elsewhere.join();
  CHECK(dumped);
}

TEST_CASE("task_dump_signal: a signal that interrupts the loop's wait is handled",
          "[trace][task_dump_signal][threads]") {
  loop here(tracking);
  promise<void> seen;
  auto waiting = seen.get_future();
  bool dumped = false;
  const task_dump_signal on_demand(SIGUSR1, [&](const task_dump&) {
    if (!std::exchange(dumped, true)) seen.set_value();
  });
  std::thread elsewhere([loops = ::pthread_self()] { ::pthread_kill(loops, SIGUSR1); });
  here.run(std::move(waiting));
  elsewhere.join();
  CHECK(dumped);
}

TEST_CASE("task_dump_signal: a signal reaches every loop that registered it, and no other",
          "[trace][task_dump_signal][threads]") {
  loop here(tracking);
  int first = 0, second = 0, other = 0;
  const task_dump_signal one(SIGUSR1, [&](const task_dump&) { ++first; });
  const task_dump_signal not_this(SIGUSR2, [&](const task_dump&) { ++other; });
  std::atomic<bool> there_is_one{false};
  promise<void> end;
  auto ended = end.get_future();
  std::thread elsewhere([&] {
    loop there(tracking);
    const task_dump_signal two(SIGUSR1, [&](const task_dump&) {
      ++second;
      end.set_value();
    });
    there_is_one = true;
    there_is_one.notify_one();
    there.run(std::move(ended));
  });
  there_is_one.wait(false);
  ::raise(SIGUSR1);
  elsewhere.join();
  here.run();
  CHECK(first == 1);
  CHECK(second == 1);
  CHECK(other == 0);
}

TEST_CASE("task_dump_signal: the destructor restores the signal's action and withdraws a pending dump",
          "[trace][task_dump_signal]") {
  loop here(tracking);
  const auto before = handler_of(SIGUSR1);
  int dumps = 0;
  {
    std::optional<task_dump_signal> outer(std::in_place, SIGUSR1, [&](const task_dump&) { ++dumps; });
    const auto ours = handler_of(SIGUSR1);
    CHECK(ours != before);
    {
      const task_dump_signal inner(SIGUSR1, [&](const task_dump&) { ++dumps; });
    }
    CHECK(handler_of(SIGUSR1) == ours);
    ::raise(SIGUSR1);
  }
  CHECK(handler_of(SIGUSR1) == before);
  here.run();
  CHECK(dumps == 0);
}

TEST_CASE("task_dump_signal: loops may register and leave while signals arrive",
          "[trace][task_dump_signal][threads]") {
  loop outermost(tracking);
  const task_dump_signal keeps_the_handler(SIGUSR1, [](const task_dump&) {});
  std::atomic<bool> over{false};
  std::thread sends([&] {
    while (!over) ::raise(SIGUSR1);
  });
  std::thread registers([] {
    loop here(tracking);
    for (int i = 0; i < 300; ++i) {
      const task_dump_signal passing(SIGUSR1, [](const task_dump&) {});
      here.run(nop());
    }
  });
  registers.join();
  over = true;
  sends.join();
  outermost.run();
  SUCCEED("no dump reached a destroyed object");
}

TEST_CASE("task_dump_signal: by default it prints to standard error", "[trace][task_dump_signal]") {
  const child_end ended = in_child([] {
    loop here(tracking);
    const task_dump_signal on_demand(SIGQUIT);
    here.run([]() -> task<> {
      ::raise(SIGQUIT);
      co_await nop();
      co_await nop();
    });
  });
  CHECK(ended.exit_status() == 0);
  CHECK_THAT(ended.errors, contains("braid: the tasks of a loop:\n  started at "));
  CHECK_THAT(ended.errors, contains("    at "));
}

TEST_CASE("task_dump_signal: an exception of the sink is an unhandled error", "[trace][task_dump_signal]") {
  loop here(tracking);
  std::string unhandled;
  here.on_unhandled_error([&](const error& why) { unhandled += why.message(); });
  const task_dump_signal on_demand(SIGUSR1, [](const task_dump&) { throw std::runtime_error("disk full"); });
  ::raise(SIGUSR1);
  here.run();
  CHECK(unhandled == "disk full");
}

TEST_CASE("task_dump_signal: refuses a signal or a loop with which it could not work",
          "[trace][task_dump_signal]") {
  CHECK_THROWS_WITH(task_dump_signal(SIGUSR1), contains("task_dump_signal: this thread has no loop"));
  {
    loop untracked;
    CHECK_THROWS_WITH(task_dump_signal(SIGUSR1), contains("track_tasks = true"));
  }
  loop here(tracking);
  CHECK_THROWS_AS(task_dump_signal(SIGKILL), std::system_error);
  CHECK_THROWS_AS(task_dump_signal(0), std::system_error);
  CHECK_THROWS_AS(task_dump_signal(100'000), std::system_error);
}
