#pragma once

#include <source_location>
#include <string>

#include "braid/base/error.hpp"

namespace braid {

/// One level of an asynchronous call chain: a coroutine, a fiber, or the verb that began it all.
///
/// Lifetime  part of what it describes; parent outlives it.
/// Threads   written by whoever runs the level, read when a failure leaves it.
/// Cost      16 bytes; an await writes one word.
struct async_frame {
  async_frame* parent = nullptr;
  std::source_location where;  ///< the await that the level waits in, or the verb's call; a level without one is not shown
};

/// Gives failure the chain of awaits from innermost outwards, unless it has one. At most 64 levels are kept.
void attach_stack(error& failure, const async_frame* innermost);

/// "  at function (file:line)" for each level, innermost first. Then each suppressed error and its own stack, indented.
[[nodiscard]] std::string format_stack(const error& failure);

}  // namespace braid
