#include <mutex>

#include "style.hpp"

namespace {

struct one_owner {
  std::mutex guard;
  std::uint64_t locked = 0;

  std::uint64_t run(std::uint64_t n) {
    locked = 0;
    for (std::uint64_t i = 0; i < n; ++i) {
      const std::lock_guard held(guard);
      ++locked;
    }
    return locked;
  }
};

const bench::add<one_owner> here{"mutex", "blocking"};

}  // namespace
