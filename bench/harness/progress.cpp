#include "progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace bench {

progress::progress(std::size_t workloads, std::size_t rounds)
    : workloads_(workloads), rounds_(rounds), terminal_(::isatty(STDERR_FILENO) == 1) {}

progress::~progress() { clear(); }

void progress::clear() {
  if (terminal_) fmt::print(stderr, "\r\x1b[K");
}

void progress::begin(std::string_view workload) {
  workload_ = workload;
  ++current_;
  if (!terminal_) fmt::print(stderr, "[{:2}/{}] {}\n", current_, workloads_, workload_);
}

void progress::say(std::string_view what) {
  if (terminal_) fmt::print(stderr, "\r\x1b[K[{:2}/{}] {}: {}", current_, workloads_, workload_, what);
}

void progress::round(std::size_t number) {
  if (terminal_) say(fmt::format("round {} of {}", number, rounds_));
}

}  // namespace bench
