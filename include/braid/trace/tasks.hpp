#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <source_location>
#include <string>
#include <vector>

#include "braid/loop/clock.hpp"
#include "braid/loop/detail/task_tracker.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/request.hpp"

namespace braid {

/// A request in flight, or a timer.
///
///     for (const task_wait& each : dump_tasks(loop::current()).unowned)
///       log(each.request ? name_of(*each.request) : "timer");
struct task_wait {
  std::optional<opcode> request;  ///< empty for a timer
  std::int32_t descriptor = -1;
  std::string object;  ///< the descriptor's file or socket: a path, "127.0.0.1:80"
  loop_clock::duration waiting{};
  loop_clock::duration due_in{};  ///< of a timer; negative if it is late
};

/// A live frame: a coroutine, a fiber, or the verb that began them.
///
///     for (const task_frame& each : dump_tasks(loop::current()).frames)
///       log(std::string(2 * each.depth, ' ') + format_place(each.where));
struct task_frame {
  frame_kind kind = frame_kind::verb;
  std::size_t depth = 0;       ///< the frames that it waits for follow it, one deeper
  std::source_location where;  ///< the await that it waits in, or reached last; the verb's call
  loop_clock::duration waiting{};
  std::vector<task_wait> waits_for;
};

/// The tasks of a loop at one instant, as trees: each frame before those that it waits for, oldest first.
///
///     const task_dump now = dump_tasks(loop::current());
///     if (now.frames.empty()) log("no tasks");
struct task_dump {
  std::vector<task_frame> frames;
  std::vector<task_wait> unowned;  ///< requests and timers that no task of this loop waits for
};

/// The live tasks of a loop that tracks them: where each one waits, since when, and for which request.
///
///     loop here({.track_tasks = true});
///     detach(serve_all());
///     here.post([&] { log(format_tasks(dump_tasks(here))); });
///     here.run();
///
/// Threads  any; the loop must outlive the call. A running task shows the await that it reached last.
/// Errors   std::logic_error if the loop does not track its tasks.
/// Cost     O(n log n) in the tasks; holds the tracker's lock while it copies them. One or two system calls
///          per descriptor.
[[nodiscard]] task_dump dump_tasks(const loop& which);

/// One line per frame, indented by its depth:
///
///     log(format_tasks(dump_tasks(loop::current())));
///     // started at main (server.cpp:80), 12.300 s ago
///     //   at serve (server.cpp:41) for 0.250 s: receive on 127.0.0.1:80 (descriptor 7) for 0.250 s
[[nodiscard]] std::string format_tasks(const task_dump& dump);

/// {"tasks": […], "unowned": [requests and timers that no task waits for]}; a task has its kind, function,
/// file, line, waiting_s, waits_for and children.
///
///     co_await write_file("/tmp/tasks.json", to_json(dump_tasks(loop::current())));
[[nodiscard]] std::string to_json(const task_dump& dump);

}  // namespace braid
