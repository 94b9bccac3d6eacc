#include "braid/style/fiber.hpp"

#include <sys/mman.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <exception>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "braid/base/detail/sanitizer.hpp"
#include "braid/core/just.hpp"
#include "braid/loop/nop.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/get_stop_token.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"
#include "braid/sync/event.hpp"
#include "catch.hpp"
#include "child_process.hpp"
#include "sanitized.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

// The address of the frame tells which stack the code runs on.
[[gnu::noinline]] std::uintptr_t stack_here() {
  return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
}

// Uses that many bytes of stack; the compiler cannot remove it.
[[gnu::noinline]] int uses(std::size_t bytes) {
  std::array<volatile char, 1024> room;
  room[0] = 1;
  room[1023] = 1;
  return bytes <= 1024 ? room[0] : room[1023] * uses(bytes - 1024);
}

}  // namespace

TEST_CASE("await: outside a fiber it is a logic_error that names the call", "[fiber]") {
  CHECK_THROWS_AS(await(just(1)), std::logic_error);
  loop here;
  CHECK_THROWS_WITH(await(just(1)), contains("await: this is no fiber"));
  here.run([]() -> task<void> {
    CHECK_THROWS_WITH(await(nop()), contains("await"));
    co_return;
  });
}

TEST_CASE("fiber: several fibers interleave, each on its own stack", "[fiber]") {
  loop here;
  std::vector<int> order;
  std::set<std::uintptr_t> stacks;
  for (int index = 0; index < 3; ++index)
    detach(in_fiber([&, index] {
      for (int turn = 0; turn < 3; ++turn) {
        order.push_back(10 * turn + index);
        stacks.insert(stack_here() >> 18);
        await(yield());
      }
    }));
  here.run();
  CHECK(order == std::vector{0, 1, 2, 10, 11, 12, 20, 21, 22});
  CHECK(stacks.size() >= 3);
}

TEST_CASE("fiber: an await inside of a catch block keeps each fiber's exception", "[fiber]") {
  loop here;
  std::vector<std::string> seen;
  int still_handled = 0;
  for (const std::string name : {"one", "two", "three"})
    detach(in_fiber([&, name] {
      try {
        throw std::runtime_error(name);
      } catch (const std::runtime_error& mine) {
        await(yield());
        try {
          throw std::logic_error(name + " inner");
        } catch (const std::logic_error&) {
          await(nop());
        }
        seen.push_back(mine.what());
        try {
          throw;  // the exception that this fiber handles
        } catch (const std::runtime_error& again) {
          await(yield());
          still_handled += again.what() == name;
        }
      }
      still_handled += std::current_exception() == nullptr;
    }));
  here.run();
  CHECK(seen == std::vector<std::string>{"one", "two", "three"});
  CHECK(still_handled == 6);
}

TEST_CASE("fiber: an await in a destructor during unwinding keeps each fiber's uncaught exceptions",
          "[fiber]") {
  struct awaits_at_the_end {
    int& seen;
    ~awaits_at_the_end() {
      await(yield());
      seen = std::uncaught_exceptions();
    }
  };
  loop here;
  int unwinding = -1;
  int beside = -1;
  start(in_fiber([&] {
          const awaits_at_the_end local{unwinding};
          throw std::runtime_error("x");
        }),
        [](result<void> ended) { CHECK(ended.error().message() == "x"); });
  detach(in_fiber([&] {
    await(yield());
    beside = std::uncaught_exceptions();
  }));
  here.run();
  CHECK(unwinding == 1);
  CHECK(beside == 0);
}

TEST_CASE("fiber: fibers and tasks can await each other", "[fiber]") {
  const auto in_task = []() -> task<int> {
    co_return 1 + co_await in_fiber([] { return await(yield()), 1; });
  };
  CHECK(run(in_fiber([&] { return await(in_task()) + await(in_fiber([&] { return await(in_task()); })); })) ==
        4);
}

TEST_CASE("fiber: the stop token reaches its awaits", "[fiber][stop]") {
  loop here;
  bool after = false;
  auto stopping = spawn(in_fiber([&] {
    CHECK(await(get_stop_token()).stop_possible());
    await(sleep_for(1h));
    after = true;
  }));
  here.run(yield());
  stopping.request_stop();
  CHECK(here.run(as_result(std::move(stopping))).error() == std::errc::operation_canceled);
  CHECK_FALSE(after);
}

TEST_CASE("fiber: the loop's end unwinds a waiting fiber", "[fiber]") {
  promise<void> outlives;
  bool destroyed = false;
  std::vector<std::error_code> thrown;
  {
    loop here;
    detach(in_fiber([&, waiting = outlives.get_future()]() mutable {
      struct tells {
        bool& flag;
        ~tells() { flag = true; }
      } const local{destroyed};
      try {
        await(std::move(waiting));
      } catch (const std::system_error& e) {
        thrown.push_back(e.code());
        try {
          await(nop());
        } catch (const std::system_error& again) {
          thrown.push_back(again.code());
        }
        throw;
      }
    }));
    here.run(yield());
    CHECK_FALSE(destroyed);
  }
  CHECK(destroyed);
  REQUIRE(thrown.size() == 2);
  CHECK(thrown[0] == std::errc::operation_canceled);
  CHECK(thrown[1] == std::errc::operation_canceled);
  outlives.set_value();
}

TEST_CASE("fiber: a destructor may await while the loop ends", "[fiber]") {
  enum class waits_for { a_sleep, a_promise };
  struct closes {
    std::vector<std::string>& seen;
    ~closes() {
      await(sleep_for(1ms));
      await(nop());
      await(just());
      seen.push_back(await(as_result(sleep_for(1ms))).error() == std::errc::operation_canceled ? "cancelled"
                                                                                               : "slept");
      try {
        (void)await(get_stop_token());
        seen.push_back("a token");
      } catch (const std::system_error&) {
        seen.push_back("no value");
      }
    }
  };
  for (const waits_for what : {waits_for::a_sleep, waits_for::a_promise}) {
    promise<void> outlives;
    std::vector<std::string> seen;
    {
      loop here;
      detach(in_fiber([&, never = outlives.get_future()]() mutable {
        const closes local{seen};
        if (what == waits_for::a_sleep)
          await(sleep_for(1h));
        else
          await(std::move(never));
      }));
      here.run(yield());
      CHECK(seen.empty());
    }
    REQUIRE(seen.size() == 2);
    CHECK(seen[0] == "cancelled");
    CHECK(seen[1] == (what == waits_for::a_sleep ? "a token" : "no value"));
    outlives.set_value();
  }
}

TEST_CASE("fiber: a destructor may await after a stop request ended the fiber", "[fiber][stop]") {
  loop here;
  auto stopping = spawn(as_result(in_fiber([] {
    struct closes {
      ~closes() { await(sleep_for(1h)); }
    } const local;
    await(sleep_for(1h));
  })));
  here.run(yield());
  stopping.request_stop();
  CHECK(here.run(std::move(stopping)).error() == std::errc::operation_canceled);
}

TEST_CASE("fiber: more fibers may live at once than a process has mappings", "[fiber]") {
  const bool guards_are_free = [] {  // since Linux 6.13
    void* const page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const bool works = ::madvise(page, 4096, 102) == 0;
    ::munmap(page, 4096);
    return works;
  }();
  const int count = sanitized ? 2'000 : guards_are_free ? 70'000 : 20'000;
  loop here(loop_options{.fiber_stack_bytes = 1});
  event open;
  int through = 0;
  for (int i = 0; i < count; ++i)
    detach(in_fiber([&] {
      await(open.wait());
      ++through;
    }));
  here.run(yield());
  open.set();
  here.run();
  CHECK(through == count);
}

TEST_CASE("fiber: stacks of several sizes exist side by side", "[fiber]") {
  for (int round = 0; round < 3; ++round)
    for (const std::size_t bytes : {32 << 10, 256 << 10, 1 << 20, 40 << 20}) {
      loop here(loop_options{.fiber_stack_bytes = bytes});
      std::vector<future<int>> all;
      for (int i = 0; i < 5; ++i)
        all.push_back(spawn(in_fiber([&] {
          await(yield());
          return uses(bytes / 8);
        })));
      for (auto& each : all) CHECK(here.run(std::move(each)) == 1);
    }
}

TEST_CASE("fiber: the loop's constructor refuses a stack size beyond the address space", "[fiber]") {
  for (const std::size_t bytes : {SIZE_MAX, SIZE_MAX - 4096, SIZE_MAX / 2})
    CHECK_THROWS_AS(loop(loop_options{.fiber_stack_bytes = bytes}), std::invalid_argument);
}

TEST_CASE("fiber: stacks are reused", "[fiber]") {
  loop here;
  std::set<std::uintptr_t> stacks;
  for (int i = 0; i < 100; ++i) stacks.insert(here.run(in_fiber([] { return stack_here() >> 18; })));
  CHECK(stacks.size() <= 2);  // the stack may lie across a border of 256 KiB
}

TEST_CASE("fiber: the size of the stack is an option of the loop", "[fiber]") {
  constexpr std::size_t large = 8 << 20;
  loop here(loop_options{.fiber_stack_bytes = large});
  CHECK(here.run(in_fiber([] { return uses(large * 3 / 4 / (BRAID_ASAN || BRAID_TSAN ? 4 : 1)); })) == 1);
}

TEST_CASE("fiber: a stack overflow ends the program by SIGSEGV and writes nowhere else", "[fiber][crash]") {
  if (BRAID_ASAN || BRAID_TSAN) return;  // a sanitizer reports the error instead of the signal
  const auto ended = run_program(crash_program("fiber_overflow"));
  CHECK(ended.signal() == SIGSEGV);
  CHECK(ended.output == "begun\n");
}
