#pragma once

#include "braid/base/error.hpp"
#include "braid/base/unique_function.hpp"
#include "braid/style/task.hpp"
#include "every_cancellation.hpp"

namespace braid_tests {

/// Is it std::bad_alloc, or has it one in suppressed()?
[[nodiscard]] bool is_out_of_memory(const braid::error& why);

/// Without memory: runs a program again and again, and fails another one of its allocations each time; then
/// the same with that one and all later ones.
///
/// Each run has a thread and a loop of its own, whose pools are empty, so that frames, boxes and states are
/// allocations that may fail.
///
/// Checked are: the program ends, once, and before its loop runs out of work, with success or as
/// std::bad_alloc, unless it may fail otherwise; so do errors that nobody waits for; and no more memory is in
/// use afterwards than before. Of a program that allocates very often each of the first 200 fails, and then
/// every 17th.
///
/// The program makes all that it uses itself. What it checks itself holds without memory as well, or only as
/// long as memory_lasts().
void every_allocation(braid::unique_function<braid::task<>()>& program, may_fail how);

/// Has no allocation of the program failed yet?
[[nodiscard]] bool memory_lasts() noexcept;

}  // namespace braid_tests
