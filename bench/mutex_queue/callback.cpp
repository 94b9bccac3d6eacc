#include <braid/braid.hpp>

#include "style.hpp"
#include "thread_loop.hpp"

namespace {

std::uint64_t serve_queues(braid::loop& loop, std::uint64_t n) {
  braid::mutex guard;
  std::uint64_t served = 0;
  for (std::uint64_t begun = 0; begun < n; begun += 100'000) {
    auto first = guard.try_lock();
    for (int i = 0; i < 100'000; ++i) {
      braid::start(guard.lock(), [&](braid::result<braid::mutex::scoped_lock> held) {
        served += held.has_value();  // the destructor of `held` unlocks
      });
    }
    first.reset();
    loop.run();
  }
  return served;
}

const bench::add<bench::with<bench::thread_loop, serve_queues>> here{"mutex_queue", "callback"};

}  // namespace
