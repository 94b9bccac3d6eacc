#pragma once

#include "braid/base/unique_function.hpp"

namespace braid_tests {

/// Calls f on a new thread and waits for its end; throws here what f throws. The thread's loops use the same
/// clock as those of this thread. Its pools give back what they keep when it ends: memory of f that is still
/// allocated then has leaked.
void on_fresh_thread(braid::unique_function<void()> f);

}  // namespace braid_tests
