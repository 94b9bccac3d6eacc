#include "braid/trace/tasks.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <source_location>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "braid/combine/scope.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/fs/file.hpp"
#include "braid/loop/nop.hpp"
#include "braid/schedule/resume_on.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/style/fiber.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/run.hpp"
#include "braid/style/shared_task.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"
#include "braid/sync/event.hpp"
#include "catch.hpp"
#include "descriptors.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

constexpr loop_options tracking{.track_tasks = true};

constexpr std::uint32_t line_here(std::source_location where = std::source_location::current()) {
  return where.line();
}

// A frame without the values that differ from run to run.
struct seen {
  frame_kind kind;
  std::size_t depth;
  std::uint32_t line;
  bool operator==(const seen&) const = default;
};
std::vector<seen> shape_of(const task_dump& dump) {
  std::vector<seen> all;
  for (const task_frame& each : dump.frames) all.push_back({each.kind, each.depth, each.where.line()});
  return all;
}

constexpr auto verb = frame_kind::verb, coroutine = frame_kind::coroutine, in_a_fiber = frame_kind::fiber;

std::uint32_t nap_line, both_line;

task<> naps() {
  nap_line = line_here() + 1;
  co_await sleep_for(1h);
}
task<> waits_for_both(file& from, std::array<char, 4>& room) {
  both_line = line_here() + 1;
  co_await when_all(naps(), from.read_some(room));
}

}  // namespace

TEST_CASE("dump_tasks: gives a tree of frames, with their places and requests", "[trace][tasks]") {
  loop here(tracking);
  pipe_ends ends;
  const int number = ends.reader();
  file from = file::from_descriptor(ends.release_reader());
  std::array<char, 4> room{};
  const auto spawn_line = line_here() + 1;
  auto waiting = spawn(waits_for_both(from, room));
  const task_dump dump = dump_tasks(here);
  CHECK(shape_of(dump) ==
        std::vector<seen>{{verb, 0, spawn_line}, {coroutine, 1, both_line}, {coroutine, 2, nap_line}});
  CHECK(dump.unowned.empty());
  REQUIRE(dump.frames.size() == 3);
  CHECK(dump.frames[0].waits_for.empty());
  REQUIRE(dump.frames[1].waits_for.size() == 1);
  CHECK(dump.frames[1].waits_for[0].request == opcode::read);
  CHECK(dump.frames[1].waits_for[0].descriptor == number);
  CHECK_THAT(dump.frames[1].waits_for[0].object, contains("pipe:"));
  REQUIRE(dump.frames[2].waits_for.size() == 1);
  CHECK_FALSE(dump.frames[2].waits_for[0].request);
  CHECK(dump.frames[2].waits_for[0].due_in > 59min);
  for (const task_frame& each : dump.frames) CHECK(each.waiting >= 0ns);
  waiting.request_stop();
  here.run();
  CHECK(dump_tasks(here).frames.empty());
}

TEST_CASE("dump_tasks: every style has its frames", "[trace][tasks]") {
  loop here(tracking);
  event never;
  const auto first = line_here() + 1;
  start(never.wait(), [](result<void>) {});
  detach(never.wait());
  auto spawned = spawn(never.wait());
  auto step = std::move(spawned).then([] {});
  std::uint32_t await_line = 0;
  detach(in_fiber([&] {
    await_line = line_here() + 1;
    await(never.wait());
  }));
  CHECK(shape_of(dump_tasks(here)) == std::vector<seen>{{verb, 0, first},
                                                        {verb, 0, first + 1},
                                                        {verb, 0, first + 2},
                                                        {verb, 0, first + 3},
                                                        {verb, 0, first + 5},
                                                        {in_a_fiber, 1, await_line}});
  never.set();
  here.run();
  CHECK(dump_tasks(here).frames.empty());
}

TEST_CASE("dump_tasks: a scope's child is below the frame that waits for the scope", "[trace][tasks]") {
  loop here(tracking);
  event never;
  std::uint32_t scope_line = 0, child_line = 0;
  const auto spawn_line = line_here() + 1;
  auto waiting = spawn([&]() -> task<> {
    const auto body = [&](scope& children) -> task<> {
      child_line = line_here() + 1;
      auto child = children.spawn(never.wait());
      co_return;
    };
    scope_line = line_here() + 1;
    co_await with_scope(body);
  });
  here.run(nop());
  CHECK(shape_of(dump_tasks(here)) ==
        std::vector<seen>{{verb, 0, spawn_line}, {coroutine, 1, scope_line}, {verb, 2, child_line}});
  never.set();
  here.run(std::move(waiting));
  CHECK(dump_tasks(here).frames.empty());
}

TEST_CASE("dump_tasks: a shared task is below the waiter that began it", "[trace][tasks]") {
  loop here(tracking);
  event never;
  std::uint32_t inner_line = 0;
  shared_task<void> shared = [](event& until, std::uint32_t& line) -> task<> {
    line = line_here() + 1;
    co_await until.wait();
  }(never, inner_line);
  const auto first = line_here() + 1;
  auto one = spawn(shared);
  auto other = spawn(shared);
  CHECK(shape_of(dump_tasks(here)) ==
        std::vector<seen>{{verb, 0, first}, {coroutine, 1, inner_line}, {verb, 0, first + 1}});
  never.set();
  here.run();
  CHECK(dump_tasks(here).frames.empty());
}

TEST_CASE("dump_tasks: a running task shows the await that it reached last", "[trace][tasks]") {
  loop here(tracking);
  task_dump dump;
  std::uint32_t own_line = 0;
  const auto run_line = line_here() + 1;
  here.run([&]() -> task<> {
    own_line = line_here() + 1;
    co_await nop();
    dump = dump_tasks(loop::current());
  });
  CHECK(shape_of(dump) == std::vector<seen>{{verb, 0, run_line}, {coroutine, 1, own_line}});
  CHECK(dump.frames[1].waits_for.empty());
}

TEST_CASE("dump_tasks: the waiting time begins at each await", "[trace][tasks]") {
  loop here(tracking);
  event go_on;
  std::uint32_t second = 0;
  auto waiting = spawn([&]() -> task<> {
    co_await sleep_for(2ms);
    second = line_here() + 1;
    co_await go_on.wait();
  });
  const auto second_await = [&] { return dump_tasks(here).frames.at(1); };
  while (second_await().where.line() != second) here.run(sleep_for(1ms));
  const task_dump dump = dump_tasks(here);
  CHECK(dump.frames[0].waiting >= dump.frames[1].waiting + 2ms);
  go_on.set();
  here.run(std::move(waiting));
}

TEST_CASE("dump_tasks: a started operation is a frame with its request", "[trace][tasks]") {
  loop here(tracking);
  pipe_ends ends;
  const int number = ends.reader();
  file from = file::from_descriptor(ends.release_reader());
  std::array<char, 4> room{};
  start(from.read_some(room), [](result<std::size_t>) {});
  const auto dump = dump_tasks(here);
  REQUIRE(dump.frames.size() == 1);
  REQUIRE(dump.frames[0].waits_for.size() == 1);
  CHECK(dump.frames[0].waits_for[0].descriptor == number);
  const std::string text = format_tasks(dump);
  CHECK_THAT(text, contains("  started at "));
  CHECK_THAT(text, contains(" s ago: read on descriptor " + std::to_string(number) + " (pipe:"));
}

TEST_CASE("dump_tasks: any thread may call it, also while the loop is busy", "[trace][tasks][threads]") {
  loop here(tracking);
  std::size_t frames = 0;
  here.run([&]() -> task<> {
    std::thread([&] { frames = dump_tasks(here).frames.size(); }).join();
    co_return;
  });
  CHECK(frames == 2);
}

TEST_CASE("dump_tasks: tasks may move between loops while another thread calls it",
          "[trace][tasks][threads]") {
  loop here(tracking);
  std::atomic<loop*> other{nullptr};
  std::atomic<bool> over{false};
  promise<void> end;
  auto ended = end.get_future();
  std::thread elsewhere([&] {
    loop there(tracking);
    other = &there;
    other.notify_one();
    there.run(std::move(ended));
  });
  other.wait(nullptr);
  std::thread asks([&] {
    while (!over) (void)format_tasks(dump_tasks(here));
  });
  const auto travels = [&]() -> task<> {
    for (int i = 0; i < 100; ++i) {
      co_await resume_on(*other.load());
      co_await nop();
      co_await sleep_for(1us);
      co_await resume_on(here);
      co_await nop();
    }
  };
  here.run(when_all(travels(), travels()));
  over = true;
  asks.join();
  other.load()->post([&] { end.set_value(); });
  elsewhere.join();
  CHECK(dump_tasks(here).frames.empty());
}

TEST_CASE("dump_tasks: a chain of any depth is printed without recursion", "[trace][tasks]") {
  struct recursion {
    static task<> down(int frames, event& until) {
      if (frames == 0)
        co_await until.wait();
      else
        co_await down(frames - 1, until);
    }
  };
  constexpr int depth = 100'000;
  loop here(tracking);
  event until;
  auto waiting = spawn(recursion::down(depth, until));
  here.run(nop());
  const task_dump dump = dump_tasks(here);
  REQUIRE(dump.frames.size() == depth + 2);
  CHECK(dump.frames.back().depth == depth + 1);
  CHECK(to_json(dump).ends_with("]}]}], \"unowned\": []}\n"));
  until.set();
  here.run(std::move(waiting));
}

TEST_CASE("dump_tasks: on a loop that does not track its tasks the error names the option",
          "[trace][tasks]") {
  loop here;
  CHECK_THROWS_AS(dump_tasks(here), std::logic_error);
  CHECK_THROWS_WITH(dump_tasks(here), contains("track_tasks = true") && contains("BRAID_TRACK_TASKS=1"));
}

TEST_CASE("format_tasks: says that there is no task", "[trace][tasks]") {
  CHECK(format_tasks({}) == "  no task\n");
  CHECK(to_json({}) == "{\"tasks\": [], \"unowned\": []}\n");
}

namespace {

// Two trees: 0(1, 2(3)) and 4. All frames have the same place.
task_dump made_by_hand() {
  const auto where = std::source_location::current();
  task_wait read{opcode::read, 7, "a \"b\"\\\n\x01", 250ms, {}};
  task_wait timer{{}, -1, {}, 1s, 1500ms};
  task_dump dump;
  dump.frames.push_back({verb, 0, where, 2s, {}});
  dump.frames.push_back({coroutine, 1, where, 1s, {read, timer}});
  dump.frames.push_back({coroutine, 1, where, 1s, {}});
  dump.frames.push_back({in_a_fiber, 2, where, 1s, {}});
  dump.frames.push_back({verb, 0, where, 0s, {}});
  dump.unowned.push_back({opcode::close, 8, "/tmp/\xff", 0s, {}});
  return dump;
}

}  // namespace

TEST_CASE("format_tasks: prints one line per frame, indented by its depth", "[trace][tasks]") {
  const task_dump dump = made_by_hand();
  const std::string place = format_place(dump.frames[0].where);
  CHECK(format_tasks(dump) ==
        "  started at " + place + ", 2.000 s ago\n" + "    at " + place +
            " for 1.000 s: read on a \"b\"\\\n\x01 (descriptor 7) for 0.250 s, timer due in 1.500 s\n" +
            "    at " + place + " for 1.000 s\n" + "      at " + place + " for 1.000 s\n" + "  started at " +
            place + ", 0.000 s ago\n" +
            "  nobody waits for: close on /tmp/\xff (descriptor 8) for 0.000 s\n");
}

TEST_CASE("to_json: gives nested objects with escaped texts", "[trace][tasks]") {
  const task_dump dump = made_by_hand();
  const auto where = dump.frames[0].where;
  const std::string place = std::string("\"function\": \"") +
                            std::string(written_name(where.function_name())) + "\", \"file\": \"" +
                            where.file_name() + "\", \"line\": " + std::to_string(where.line()) + ", ";
  CHECK(to_json(dump) ==
        "{\"tasks\": [{\"kind\": \"verb\", " + place +
            "\"waiting_s\": 2.000, \"waits_for\": [], \"children\": ["
            "{\"kind\": \"coroutine\", " +
            place +
            "\"waiting_s\": 1.000, \"waits_for\": ["
            "{\"request\": \"read\", \"descriptor\": 7, \"object\": \"a \\\"b\\\"\\\\\\u000a\\u0001\", "
            "\"waiting_s\": 0.250}, {\"timer_due_in_s\": 1.500, \"waiting_s\": 1.000}], \"children\": []}, "
            "{\"kind\": \"coroutine\", " +
            place +
            "\"waiting_s\": 1.000, \"waits_for\": [], \"children\": ["
            "{\"kind\": \"fiber\", " +
            place +
            "\"waiting_s\": 1.000, \"waits_for\": [], \"children\": []}]}]}, "
            "{\"kind\": \"verb\", " +
            place +
            "\"waiting_s\": 0.000, \"waits_for\": [], \"children\": []}], "
            "\"unowned\": [{\"request\": \"close\", \"descriptor\": 8, \"object\": \"/tmp/\\ufffd\", "
            "\"waiting_s\": 0.000}]}\n");
}

TEST_CASE("to_json: keeps UTF-8 and replaces each invalid byte", "[trace][tasks]") {
  const auto object_of = [](std::string object) {
    task_dump dump;
    dump.unowned.push_back({opcode::read, 1, std::move(object), 0s, {}});
    const std::string text = to_json(dump);
    const std::size_t from = text.find("\"object\": \"") + 11;
    return text.substr(from, text.find('"', from) - from);
  };
  CHECK(object_of("ä€\xf0\x9f\x8c\x8d") == "ä€\xf0\x9f\x8c\x8d");
  CHECK(object_of("\xc0\xaf") == "\\ufffd\\ufffd");              // an overlong encoding
  CHECK(object_of("\xed\xa0\x80") == "\\ufffd\\ufffd\\ufffd");  // a surrogate without its pair
  CHECK(object_of("\xe2\x82") == "\\ufffd\\ufffd");              // truncated
  CHECK(object_of("\xf5\x80\x80\x80") == "\\ufffd\\ufffd\\ufffd\\ufffd");  // beyond the last code point
  CHECK(object_of("\x80x") == "\\ufffdx");
}
