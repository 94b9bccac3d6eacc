#pragma once

#include <cstddef>
#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "braid/base/error.hpp"

/// 0 leaves out what the stacks cost, so that it can be measured: then no error carries one. Same layout.
#ifndef BRAID_RECORD_STACKS
#define BRAID_RECORD_STACKS 1
#endif

namespace braid {

/// What a level of the asynchronous stack is.
enum class level_kind : std::uint8_t { verb, coroutine, fiber };

/// One level of an asynchronous call chain: a coroutine, a fiber, or the verb that began it all.
///
/// Lifetime  part of what it describes; parent outlives it.
/// Threads   written by whoever runs the level, read when a failure leaves it.
/// Cost      16 bytes; an await writes one word.
struct async_frame {
  async_frame() noexcept = default;
  async_frame(async_frame* outer, std::source_location begun) noexcept {
    called_by(outer);
    waits_at(begun);
  }

  void called_by(async_frame* outer) noexcept {
    if constexpr (BRAID_RECORD_STACKS != 0) parent = outer;
  }
  void waits_at(std::source_location await) noexcept {
    if constexpr (BRAID_RECORD_STACKS != 0) where = await;
  }

  async_frame* parent = nullptr;  ///< null for a verb
  std::source_location where;  ///< the await that the level waits in, or came to last; the verb's call
};
static_assert(sizeof(async_frame) == 16);

/// Links what runs to the level that waits for it now: that level may change, or go away, while the operation
/// runs on. Left out of stacks.
///
/// Threads  parent is its home thread's own. On another thread a stack ends here; the home thread adds the
///          rest to an error, by complete_stack, when it gets it.
struct async_link : async_frame {
  async_link() noexcept;
  void belong_here() noexcept { home_ = std::this_thread::get_id(); }
  [[nodiscard]] bool is_here() const noexcept { return home_ == std::this_thread::get_id(); }
  /// The link that frame is, or null.
  [[nodiscard]] static const async_link* from(const async_frame& frame) noexcept;

 private:
  std::thread::id home_;
};

/// An asynchronous call chain as a value, innermost level first.
struct async_stack {
  static constexpr std::size_t most_levels = 64;

  std::vector<std::source_location> levels;
  bool is_whole = true;  ///< the last level is the verb that began it all; else the chain was longer
};

/// The chain from innermost outwards, as it is now, for the thread that runs the innermost level. It is not
/// whole where it goes on in what another thread may be changing.
[[nodiscard]] async_stack stack_of(const async_frame* innermost);

/// Gives failure that chain, unless it has one. Without memory it stays without.
void attach_stack(error& failure, const async_frame* innermost) noexcept;

/// Adds the levels beyond link, if failure's stack was cut off there because it was on another thread. On the
/// link's own.
void complete_stack(error& failure, const async_link& link) noexcept;

/// "  at function (file:line)" for each level, innermost first; "  started at …" for the verb that began it
/// all, or "  ..." where the chain was longer. Then each suppressed error and its own stack, indented.
[[nodiscard]] std::string format_stack(const error& failure);
/// The same for a stack alone.
[[nodiscard]] std::string format_stack(const async_stack& stack);

/// From now on the terminate handler first prints the asynchronous stack of the exception that nobody caught,
/// if that came out of an error of this thread, and then calls the handler that was set before. Once a
/// process; making a loop does it.
void explain_uncaught_errors() noexcept;
/// std::terminate for who has printed the error already.
[[noreturn]] void terminate_explained() noexcept;

/// The name of a function as its author wrote it: of a coroutine, g++ tells the name of what it made of the
/// body.
[[nodiscard]] std::string_view written_name(std::string_view function_name);
/// "function (file:line)".
[[nodiscard]] std::string format_place(const std::source_location& where);

}  // namespace braid
