#include <thread>

#include "style.hpp"

namespace {

/// A thread each, joined at once: 4096 of them alive together would measure memory, not starting.
struct thread_each {
  std::uint64_t run(std::uint64_t n) {
    std::uint64_t done = 0;
    for (std::uint64_t i = 0; i < n; ++i) std::thread([&] { ++done; }).join();
    return done;
  }
};

const bench::add<thread_each> here{"spawn", "blocking"};

}  // namespace
