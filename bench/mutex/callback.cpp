#include <braid/braid.hpp>

#include "style.hpp"
#include "thread_loop.hpp"

namespace {

struct lock_after_lock {
  bench::thread_loop loop;
  braid::mutex guard;
  std::uint64_t left = 0;
  std::uint64_t locked = 0;

  void next() {
    braid::start(guard.lock(), [this](braid::result<braid::mutex::scoped_lock> held) {
      locked += held.has_value();
      held->unlock();
      if (--left > 0) next();
    });
  }

  std::uint64_t run(std::uint64_t n) {
    left = n;
    locked = 0;
    next();
    loop->run();
    return locked;
  }
};

const bench::add<lock_after_lock> here{"mutex", "callback"};

}  // namespace
