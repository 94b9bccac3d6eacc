#include <braid/braid.hpp>

#include "style.hpp"
#include "thread_loop.hpp"

namespace {

braid::task<std::uint64_t> locks(std::uint64_t n) {
  braid::mutex guard;
  std::uint64_t locked = 0;
  while (locked < n) {
    const auto held = co_await guard.lock();
    ++locked;
  }
  co_return locked;
}

std::uint64_t run_locks(braid::loop& loop, std::uint64_t n) { return loop.run(locks(n)); }

const bench::add<bench::with<bench::thread_loop, run_locks>> here{"mutex", "coroutine"};

}  // namespace
