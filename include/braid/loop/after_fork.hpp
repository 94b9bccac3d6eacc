#pragma once

namespace braid {

/// In a forked child, leaves the loops of the parent to the parent: a loop that the child has inherited does
/// nothing more, and its thread may make one of its own.
///
///     if (::clone(...) == 0) {            // by the system call; after fork() it has been done already
///       braid::after_fork();
///       braid::run(read_file("/etc/hosts"));
///     }
///
/// fork(2) as the C library has it does this by itself, in the child, before it returns. Only a child that
/// was made otherwise (clone(2), _Fork(3)) needs the call, before anything else of braid and before it closes
/// descriptors. What it means for loops, descriptors and operations is in docs/process.md.
///
/// Threads  the child's only one.
/// Errors   none. In the process that made the loops it does nothing.
void after_fork() noexcept;

}  // namespace braid
