#include <thread>

#include "style.hpp"

namespace {

/// One thread after the other, each joined at once: 4096 at a time would measure memory instead of starting.
struct thread_each {
  std::uint64_t run(std::uint64_t n) {
    std::uint64_t done = 0;
    for (std::uint64_t i = 0; i < n; ++i) std::thread([&] { ++done; }).join();
    return done;
  }
};

const bench::add<thread_each> here{"spawn", "blocking"};

}  // namespace
