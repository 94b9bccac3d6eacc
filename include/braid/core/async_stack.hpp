#pragma once

#include <cstddef>
#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "braid/base/error.hpp"

/// If this is 0, errors carry no stacks, so that the cost of stacks can be measured. No layout changes, and
/// frames keep their parents, since the values of a task_local are found through them.
#ifndef BRAID_RECORD_STACKS
#define BRAID_RECORD_STACKS 1
#endif

namespace braid {

/// The kinds of frames in an asynchronous stack.
///
///     for (const task_frame& each : dump_tasks(loop::current()).frames)
///       if (each.kind == frame_kind::fiber) log(format_place(each.where));
enum class frame_kind : std::uint8_t { verb, coroutine, fiber };

/// One frame of an asynchronous stack: a coroutine, a fiber, or the verb that began it all.
///
///     struct to_log {  // a receiver of int that shows up in no stack
///       void finish(result<int> ended) && noexcept { use(ended); }
///       stop_token get_stop_token() const noexcept { return {}; }
///       async_frame* frame() const noexcept { return nullptr; }
///     };
///
/// Lifetime  a member of what it describes; parent outlives it.
/// Threads   the thread that runs the frame writes it, and reads it when a failure leaves the frame.
/// Cost      16 bytes; an await writes one word.
struct async_frame {
  async_frame() noexcept = default;
  async_frame(async_frame* outer, std::source_location begun) noexcept {
    called_by(outer);
    waits_at(begun);
  }

  void called_by(async_frame* outer) noexcept { parent = outer; }
  void waits_at(std::source_location await) noexcept {
    if constexpr (BRAID_RECORD_STACKS != 0) where = await;
  }

  async_frame* parent = nullptr;  ///< null for a verb
  std::source_location where;  ///< the await that the frame waits in, or reached last; the verb's call
};
static_assert(sizeof(async_frame) == 16);

// A frame that no printed stack shows. All of them have one place, so that a walk along the frames compares
// one word of each; the key says what it is.
struct hidden_frame : async_frame {
  explicit hidden_frame(const void* what) noexcept;
  /// The frame as a hidden_frame, or null if it is none.
  [[nodiscard]] static const hidden_frame* from(const async_frame& frame) noexcept;

  const void* const key;
};

// A frame that links an operation to the frame that waits for it now, which may change or go away while the
// operation runs.
//
// Threads  only the home loop's thread reads parent. On another thread a stack ends here; when the error
//          arrives on the home loop, complete_stack adds the rest.
struct async_link : hidden_frame {
  async_link() noexcept;
  void belong_here() noexcept { home_ = std::this_thread::get_id(); }
  [[nodiscard]] bool is_here() const noexcept { return home_ == std::this_thread::get_id(); }
  /// The frame as a link, or null if it is none.
  [[nodiscard]] static const async_link* from(const async_frame& frame) noexcept;

 private:
  std::thread::id home_;
};

/// An asynchronous stack as a value, innermost frame first.
///
///     const async_stack here = co_await current_async_stack();
///     log(format_stack(here));
struct async_stack {
  static constexpr std::size_t most_frames = 64;

  std::vector<std::source_location> frames;
  bool is_whole = true;  ///< the last entry is the verb that began it all; if not, the stack was longer
};

/// The present stack from innermost outwards; call it on the thread that runs the innermost frame. It ends
/// early, and is not whole, where another thread may be changing the next frame.
///
///     const async_frame outermost(nullptr, std::source_location::current());
///     log(format_stack(stack_of(&outermost)));  // one frame: the verb
[[nodiscard]] async_stack stack_of(const async_frame* innermost);

// Stores the stack in failure, unless failure has one already. Without memory failure stays without.
void attach_stack(error& failure, const async_frame* innermost) noexcept;

// Adds the frames beyond link, if failure's stack ended at link because it was taken on another thread. Call
// it on the thread of the link's home loop.
void complete_stack(error& failure, const async_link& link) noexcept;

///
///     const auto text = co_await as_result(fetch("page"));
///     if (!text) log(text.error().message() + "\n" + format_stack(text.error()));
///
/// "  at function (file:line)" for each frame, innermost first; "  started at …" for the verb that began it
/// all, or "  ..." if the stack was longer. Then each suppressed error and its own stack, indented.
[[nodiscard]] std::string format_stack(const error& failure);
/// The text of a stack alone.
[[nodiscard]] std::string format_stack(const async_stack& stack);

/// Sets a terminate handler that prints the asynchronous stack of the uncaught exception, if an error threw
/// it, and then calls the previous handler. Takes effect once per process; constructing a loop calls it.
///
///     explain_uncaught_errors();            // before the first loop, whose constructor calls it too
///     log(run(read_file("/no/such/file")));  // ends the program, which prints the error and its awaits
void explain_uncaught_errors() noexcept;
// Calls std::terminate without printing the error: the caller has printed it already.
[[noreturn]] void terminate_explained() noexcept;

// The name of a function as its author wrote it. For a coroutine, g++ reports the name of the function that
// it makes of the body.
[[nodiscard]] std::string_view written_name(std::string_view function_name);
/// "function (file:line)".
///
///     log(format_place(std::source_location::current()));  // "serve (server.cpp:41)"
[[nodiscard]] std::string format_place(const std::source_location& where);

}  // namespace braid
