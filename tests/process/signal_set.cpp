#include "braid/process/signal_set.hpp"

#include <pthread.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <latch>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/sim/world.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/spawn.hpp"
#include "braid/sync/event.hpp"
#include "braid/sync/select.hpp"
#include "catch.hpp"
#include "child_process.hpp"
#include "descriptors.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

void (*handler_of(int signal))(int) {
  struct sigaction now{};
  ::sigaction(signal, nullptr, &now);
  return now.sa_handler;
}

void set_handler(int signal, void (*handler)(int)) {
  struct sigaction made{};
  made.sa_handler = handler;
  ::sigaction(signal, &made, nullptr);
}

bool blocks(int signal) {
  sigset_t now;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &now);
  return ::sigismember(&now, signal) == 1;
}

void change_mask(int how, int signal) {
  sigset_t one;
  ::sigemptyset(&one);
  ::sigaddset(&one, signal);
  ::pthread_sigmask(how, &one, nullptr);
}

void expect(bool what, const char* text) {
  if (!what) throw std::runtime_error(text);
}

}  // namespace

TEST_CASE("signal_set: next gives the next signal, one that came before or one that comes later",
          "[process][signal_set]") {
  IN_EVERY_STYLE(style);
  loop here;
  signal_set both{SIGUSR1, SIGUSR2};
  ::raise(SIGUSR2);
  CHECK(style.wait(both.next()).value() == SIGUSR2);
  here.post([] { ::raise(SIGUSR1); });
  CHECK(style.wait(both.next()).value() == SIGUSR1);
}

TEST_CASE("signal_set: a signal that has not been taken waits once; the lowest number comes first",
          "[process][signal_set]") {
  loop here;
  signal_set both{SIGUSR1, SIGUSR2};
  for (const int each : {SIGUSR2, SIGUSR1, SIGUSR2}) ::raise(each);
  CHECK(here.run(both.next()) == SIGUSR1);
  CHECK(here.run(both.next()) == SIGUSR2);
  auto next = spawn(both.next());
  here.run(yield());
  CHECK_FALSE(next.is_ready());
  ::raise(SIGUSR1);
  CHECK(here.run(std::move(next)) == SIGUSR1);
}

TEST_CASE("signal_set: several waiters get one signal each, in their order", "[process][signal_set]") {
  loop here;
  signal_set one{SIGUSR1};
  auto first = spawn(one.next());
  auto second = spawn(one.next());
  ::raise(SIGUSR1);
  CHECK(here.run(std::move(first)) == SIGUSR1);
  CHECK_FALSE(second.is_ready());
  ::raise(SIGUSR1);
  CHECK(here.run(std::move(second)) == SIGUSR1);
}

TEST_CASE("signal_set: every set of every loop gets the signal", "[process][signal_set][threads]") {
  loop here;
  signal_set one{SIGUSR1}, same_loop{SIGUSR1, SIGUSR2}, other{SIGUSR2};
  std::latch made(1);
  int got = 0;
  std::thread elsewhere([&] {
    loop there;
    signal_set two{SIGUSR1};
    made.count_down();
    got = there.run(two.next());
  });
  made.wait();
  auto none = spawn(other.next());
  ::raise(SIGUSR1);
  elsewhere.join();
  CHECK(got == SIGUSR1);
  CHECK(here.run(one.next()) == SIGUSR1);
  CHECK(here.run(same_loop.next()) == SIGUSR1);
  CHECK_FALSE(none.is_ready());
  ::raise(SIGUSR2);
  CHECK(here.run(std::move(none)) == SIGUSR2);
}

TEST_CASE("signal_set: a signal arrives in a program whose threads began before the set",
          "[process][signal_set][threads]") {
  pipe_ends ends;
  std::thread older([&] {  // ThreadSanitizer brings a signal to a thread in `read`, but not to one in a futex
    char none;
    [[maybe_unused]] const ssize_t end = ::read(ends.reader(), &none, 1);
  });
  loop here;
  {
    signal_set one{SIGUSR1};
    auto next = spawn(one.next());
    ::pthread_kill(older.native_handle(), SIGUSR1);
    CHECK(here.run(std::move(next)) == SIGUSR1);
    ::kill(::getpid(), SIGUSR1);
    CHECK(here.run(one.next()) == SIGUSR1);
  }
  ends.close_writer();
  older.join();
}

TEST_CASE("signal_set: a signal that the thread blocks is not blocked while a set of its loop waits for it",
          "[process][signal_set]") {
  loop here;
  change_mask(SIG_BLOCK, SIGUSR1);
  ::raise(SIGUSR1);  // stays pending
  std::optional<signal_set> first(std::in_place, std::initializer_list<int>{SIGUSR1});
  CHECK_FALSE(blocks(SIGUSR1));
  CHECK(here.run(first->next()) == SIGUSR1);
  {
    signal_set second{SIGUSR1};
    first.reset();
    CHECK_FALSE(blocks(SIGUSR1));
    ::raise(SIGUSR1);
    CHECK(here.run(second.next()) == SIGUSR1);
  }
  CHECK(blocks(SIGUSR1));
  change_mask(SIG_UNBLOCK, SIGUSR1);
}

TEST_CASE("signal_set: the last set restores the action, unless the program has set another one",
          "[process][signal_set]") {
  loop here;
  set_handler(SIGUSR1, SIG_IGN);
  {
    signal_set outer{SIGUSR1};
    const auto ours = handler_of(SIGUSR1);
    CHECK(ours != SIG_IGN);
    { const signal_set inner{SIGUSR1}; }
    CHECK(handler_of(SIGUSR1) == ours);
    ::raise(SIGUSR1);  // is on its way when the set is destroyed
  }
  CHECK(handler_of(SIGUSR1) == SIG_IGN);
  const auto none = +[](int) {};
  {
    const signal_set set{SIGUSR1};
    set_handler(SIGUSR1, none);
  }
  CHECK(handler_of(SIGUSR1) == none);
  set_handler(SIGUSR1, SIG_DFL);
}

TEST_CASE("signal_set: a forked child has the actions from before", "[process][signal_set]") {
  loop here;
  set_handler(SIGTERM, SIG_DFL);  // the test framework's handler allocates
  signal_set set{SIGUSR1, SIGTERM};
  ::raise(SIGUSR1);  // is on its way to the loop
  const auto ended = in_child([&] {
    expect(handler_of(SIGUSR1) == SIG_DFL, "the handler of the parent is still there");
    {
      loop own;
      signal_set another{SIGUSR1};
      ::raise(SIGUSR1);
      expect(own.run(another.next()) == SIGUSR1, "the child's own set");
    }
    expect(handler_of(SIGUSR1) == SIG_DFL, "the action is not restored");
    ::raise(SIGTERM);
  });
  CHECK(ended.errors == "");
  CHECK(ended.signal() == SIGTERM);
  CHECK(here.run(set.next()) == SIGUSR1);
}

TEST_CASE("signal_set: the parent's set may be destroyed in the child", "[process][signal_set]") {
  const auto ended = in_child([] {
    loop here;
    std::optional<signal_set> set(std::in_place, std::initializer_list<int>{SIGUSR1});
    ::raise(SIGUSR1);
    const auto grandchild = in_child([&] { set.reset(); });
    expect(grandchild.exit_status() == 0, "the child cannot destroy it");
    expect(here.run(set->next()) == SIGUSR1, "the parent's set gets nothing any more");
  });
  CHECK(ended.errors == "");
  CHECK(ended.exit_status() == 0);
}

TEST_CASE("signal_set: a cancelled next takes no signal", "[process][signal_set]") {
  IN_EVERY_STYLE(style);
  loop here;
  signal_set one{SIGUSR1};
  stop_source stop;
  auto stopped = spawn(with_stop_token(one.next(), stop.get_token()));
  ::raise(SIGUSR1);
  stop.request_stop();
  const auto ended = here.run(as_result(std::move(stopped)));
  if (ended)  // it had the signal before the request
    ::raise(SIGUSR1);
  else
    CHECK(ended.error() == std::errc::operation_canceled);
  CHECK(style.wait(one.next()).value() == SIGUSR1);
}

TEST_CASE("signal_set: next is a branch of select", "[process][signal_set]") {
  loop here;
  signal_set one{SIGUSR1};
  event over(true);
  const auto program = [&]() -> task<> {
    ::raise(SIGUSR1);
    const auto first = co_await select(over.wait(), one.next());
    CHECK(first.index == 0);
    const int kept = co_await one.next();
    CHECK(kept == SIGUSR1);
  };
  here.run(program);
}

TEST_CASE("signal_set: sets may be made and destroyed while signals arrive",
          "[process][signal_set][threads]") {
  loop outermost;
  const signal_set keeps_the_handler{SIGUSR1};
  std::atomic<bool> over{false};
  std::thread sends([&] {
    while (!over) ::raise(SIGUSR1);
  });
  std::thread makes([] {
    loop here;
    for (int i = 0; i < 300; ++i) {
      signal_set passing{SIGUSR1};
      if (here.run(passing.next()) != SIGUSR1) std::abort();
    }
  });
  makes.join();
  over = true;
  sends.join();
  outermost.run();
  SUCCEED("no signal reached a destroyed set");
}

TEST_CASE("signal_set: refuses what it could not wait for", "[process][signal_set]") {
  CHECK_THROWS_WITH(signal_set{SIGUSR1}, contains("signal_set: this thread has no loop"));
  loop here;
  const auto before = handler_of(SIGUSR1);
  for (const int each : {0, -1, 65, 100'000, SIGKILL, SIGSTOP, SIGSEGV, SIGABRT, 32})
    CHECK_THROWS_WITH((signal_set{SIGUSR1, each}), contains("signal_set: signal " + std::to_string(each)));
  CHECK(handler_of(SIGUSR1) == before);
}

TEST_CASE("signal_set: can be cancelled at each await", "[process][signal_set][cancellation]") {
  const auto program = []() -> task<> {
    signal_set both{SIGUSR1, SIGUSR2};
    const auto takes = [&]() -> task<> {
      const int first = co_await both.next();
      const int second = co_await both.next();
      if (first != SIGUSR1 || second != SIGUSR2) throw std::runtime_error("another signal");
    };
    const auto sends = []() -> task<> {
      co_await yield();
      ::raise(SIGUSR1);
      co_await yield();
      ::raise(SIGUSR2);
    };
    (void)co_await when_all(takes, sends);
  };
  CHECK(every_cancellation(program) >= 2);
}

TEST_CASE("signal_set: in a world each host that asks gets the signal, at the virtual time of it",
          "[process][signal_set][sim]") {
  sim::world world({.seed = 1});
  sim::host& one = world.add_host("one");
  sim::host& two = world.add_host("two");
  std::vector<std::chrono::nanoseconds> ends;
  const auto waits = [&]() -> task<> {
    signal_set asked{SIGUSR1};
    if (co_await asked.next() != SIGUSR1) throw std::runtime_error("another signal");
    ends.push_back(world.now().time_since_epoch());
  };
  const auto sends = []() -> task<> {
    co_await sleep_for(1h);
    ::raise(SIGUSR1);
    co_await sleep_for(1h);
  };
  const auto before = handler_of(SIGUSR1);
  std::vector<future<void>> waiters;
  for (sim::host* each : {&one, &two}) {
    const current_loop_scope there(&each->its_loop());
    waiters.push_back(spawn(waits));
  }
  world.run_on(two, sends);
  CHECK(ends == std::vector<std::chrono::nanoseconds>{1h, 1h});
  for (auto& each : waiters) CHECK(each.is_ready());
  CHECK(handler_of(SIGUSR1) == before);
}
