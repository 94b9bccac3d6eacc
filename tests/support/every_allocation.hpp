#pragma once

#include "braid/base/error.hpp"
#include "braid/base/unique_function.hpp"
#include "braid/style/task.hpp"
#include "every_cancellation.hpp"

namespace braid_tests {

/// Is the error std::bad_alloc, or is one in its suppressed()?
[[nodiscard]] bool is_out_of_memory(const braid::error& why);

/// Runs a program again and again without memory: in each run another one of its allocations fails. A second
/// sweep makes all later allocations fail, too.
///
/// Each run has its own thread and loop, whose pools are empty: so frames, boxes and states are allocations
/// that may fail.
///
/// Checks that the program ends once, before its loop runs out of work, with success or std::bad_alloc (or
/// with another error, if it may); that unhandled errors are std::bad_alloc, too; and that it leaves no more
/// memory in use than before. Of the allocations after the first 200 only every 17th fails.
///
/// The program must make all objects that it uses. Its own checks must hold without memory, or run only while
/// memory_lasts().
void every_allocation(braid::unique_function<braid::task<>()>& program, may_fail how);

/// Has no allocation of the program failed yet?
[[nodiscard]] bool memory_lasts() noexcept;

}  // namespace braid_tests
