#pragma once

namespace braid {

/// Detaches a forked child from its parent's loops. The child's copies of those loops do nothing more, and
/// the child's thread may make a loop of its own.
///
///     if (_Fork() == 0) {  // fork() calls after_fork by itself
///       after_fork();
///       log(run(read_file("/etc/hosts")));
///     }
///
/// The C library's fork(2) does this in the child before it returns. A child made in another way (clone(2),
/// _Fork(3)) calls it before it uses anything else of braid and before it closes descriptors.
/// docs/process.md says how loops, descriptors and operations behave in the child.
///
/// Threads  the child's only thread.
/// Errors   none. In the process that made the loops the call does nothing.
void after_fork() noexcept;

}  // namespace braid
