#include "braid/loop/detail/task_tracker.hpp"

#include <stdlib.h>  // setenv

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <stdexcept>

#include "braid/core/just.hpp"
#include "braid/fs/file.hpp"
#include "braid/loop/current_loop_scope.hpp"
#include "braid/loop/nop.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/style/fiber.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "descriptors.hpp"
#include "recorder.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

constexpr loop_options tracking{.track_tasks = true};

class environment {
 public:
  explicit environment(const char* value) { ::setenv("BRAID_TRACK_TASKS", value, 1); }
  environment(const environment&) = delete;
  environment& operator=(const environment&) = delete;
  ~environment() { ::unsetenv("BRAID_TRACK_TASKS"); }
};

task<> naps() { co_await sleep_for(1h); }

bool is_empty(const loop& here) {
  const auto all = here.operations().tracker()->take();
  return all.frames.empty() && all.waits.empty();
}

}  // namespace

TEST_CASE("task_tracker: a loop has a tracker with loop_options::track_tasks", "[task_tracker]") {
  CHECK(loop().operations().tracker() == nullptr);
  CHECK(loop(tracking).operations().tracker() != nullptr);
}

TEST_CASE("task_tracker: BRAID_TRACK_TASKS asks for one; only 0 and 1 are accepted", "[task_tracker]") {
  {
    const environment yes("1");
    CHECK(loop().operations().tracker() != nullptr);
  }
  {
    const environment no("0");
    CHECK(loop().operations().tracker() == nullptr);
    CHECK(loop(tracking).operations().tracker() != nullptr);
  }
  const environment wrong("yes");
  CHECK_THROWS_WITH(loop(), contains("BRAID_TRACK_TASKS is 'yes'"));
  CHECK(loop::current_or_null() == nullptr);
}

TEST_CASE("task_tracker: loops of one thread each track their own tasks", "[task_tracker]") {
  const auto count = [](const loop& of) { return of.operations().tracker()->take().frames.size(); };
  loop one(tracking);
  const current_loop_scope none(nullptr);
  loop other(tracking);
  auto slow = spawn(naps());
  {
    const current_loop_scope there(&one);
    auto quick = spawn(sleep_for(0ns));
    CHECK(count(one) == 1);
    CHECK(count(other) == 2);
    one.run();
    CHECK(is_empty(one));
  }
  slow.request_stop();
  other.run();
  CHECK(is_empty(other));
}

TEST_CASE("task_tracker: has no entry of anything that has ended", "[task_tracker]") {
  loop here(tracking);
  std::array<char, 4> room{};
  pipe_ends ends;
  file from = file::from_descriptor(ends.release_reader());

  here.run(nop());
  here.run([]() -> task<int> { co_return co_await just(1); });
  here.run(in_fiber([] { await(sleep_for(0ns)); }));
  start(nop(), [](result<void>) {});
  start(just(1), [](result<int>) {});
  detach(sleep_for(0ns));
  { auto dropped = spawn(nop()); }
  auto chained = spawn(nop()).then([] { return nop(); }).finally([] {});
  here.run(std::move(chained));
  here.run();
  CHECK(is_empty(here));

  auto stopped = spawn(from.read_some(room));
  auto asleep = spawn(naps());
  here.run(nop());
  CHECK_FALSE(is_empty(here));
  stopped.request_stop();
  asleep.request_stop();
  here.run();
  CHECK(is_empty(here));
}

TEST_CASE("task_tracker: a request that is submitted again still belongs to its task", "[task_tracker]") {
  loop here(tracking);
  pipe_ends ends;
  file from = file::from_descriptor(ends.release_reader());
  std::array<char, 8> room{};
  auto reading = spawn([&]() -> task<> { co_await from.read_exactly(room); });
  here.run(nop());
  REQUIRE(::write(ends.writer(), "half", 4) == 4);
  do here.run(nop());
  while (here.operations().tracker()->take().waits.empty());
  const auto all = here.operations().tracker()->take();
  REQUIRE(all.waits.size() == 1);
  CHECK(all.waits[0].code == opcode::read);
  REQUIRE(all.frames.size() == 2);
  CHECK(all.waits[0].frame == all.frames[1].address);
  CHECK(all.frames[1].kind == frame_kind::coroutine);
  REQUIRE(::write(ends.writer(), "half", 4) == 4);
  here.run(std::move(reading));
}

TEST_CASE("task_tracker: a task may be destroyed after its loop", "[task_tracker]") {
  promise<void> never;
  auto waiting = [&]() -> task<> { co_await never.get_future(); };
  std::optional<recorded<task<>>> late;
  {
    loop here(tracking);
    late.emplace(waiting());
    late->start();
    CHECK(here.operations().tracker()->take().frames.size() == 1);
    late.reset();
    CHECK(is_empty(here));
  }
  std::optional<recorded<task<>>> later;
  auto done = []() -> task<> { co_return; };
  {
    loop here(tracking);
    later.emplace(done());
    later->start();
  }
  CHECK(later->done());
}
