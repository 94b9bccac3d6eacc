#pragma once

#include <array>
#include <cstring>
#include <stdexcept>

#include "braid/combine/when_all.hpp"
#include "braid/fs/file.hpp"
#include "braid/loop/loop.hpp"
#include "braid/net/tcp.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/fiber.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"

// The same operations, begun in units that are compiled with different flags. The linker merges their inline
// functions, so one unit runs what another one compiled.
namespace mixed_flags {

// These are in the unit with the other flags.
braid::task<int> later_elsewhere(int n);
void start_elsewhere(int& ended);

inline braid::task<int> later(int n) {
  co_await braid::yield();
  co_return n;
}
inline void start_here(int& ended) {
  for (int i = 0; i < 50; ++i) braid::start(later(1), [&](braid::result<int> one) { ended += *one; });
  braid::loop::current("start_here").post([&] { ++ended; });
}

}  // namespace mixed_flags
