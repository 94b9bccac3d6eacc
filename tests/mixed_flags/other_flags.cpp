#include "operations.hpp"

namespace mixed_flags {

braid::task<int> later_elsewhere(int n) { co_return co_await later(n); }
void start_elsewhere(int& ended) { start_here(ended); }

}  // namespace mixed_flags
