#include <braid/braid.hpp>

#include "style.hpp"
#include "thread_loop.hpp"

namespace {

std::uint64_t spawn_tasks(braid::loop& loop, std::uint64_t n) {
  std::uint64_t done = 0;
  for (std::uint64_t spawned = 0; spawned < n; spawned += 4096) {
    for (int i = 0; i < 4096; ++i) (void)braid::spawn(braid::just_from([&] { ++done; }));
    loop.run();
  }
  return done;
}

const bench::add<bench::with<bench::thread_loop, spawn_tasks>> here{"spawn", "future"};

}  // namespace
