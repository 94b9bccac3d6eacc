#pragma once

#include "braid/base/unique_function.hpp"

namespace braid_tests {

/// Calls f on a thread of its own, whose loops go by the same clock as those of this thread, and waits for
/// its end; what f throws is thrown here. What the thread's pools keep is given back when it ends, so that
/// all of f's memory has been freed then, or leaks.
void on_fresh_thread(braid::unique_function<void()> f);

}  // namespace braid_tests
