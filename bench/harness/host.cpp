#include "host.hpp"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <fstream>
#include <thread>

#include "raw_ring.hpp"

#ifndef BRAID_BENCH_FLAGS  // set by the build system; else what the program can find out itself
#ifdef __OPTIMIZE__
#define BRAID_BENCH_FLAGS "optimized"
#else
#define BRAID_BENCH_FLAGS "not optimized"
#endif
#endif

namespace bench {
namespace {

std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

std::string compiler() {
#ifdef __clang__
  return fmt::format("clang {}.{}.{}", __clang_major__, __clang_minor__, __clang_patchlevel__);
#else
  return fmt::format("g++ {}.{}.{}", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#endif
}

std::string ring_flags() {
  const raw_ring ring(1);
  return ring.flags() & IORING_SETUP_DEFER_TASKRUN ? "single issuer, deferred task running" : "none";
}

}  // namespace

std::vector<std::pair<std::string, std::string>> describe_host() {
  utsname system{};
  ::uname(&system);
  return {{"kernel", system.release}, {"machine", system.machine},
          {"cpu", cpu_model()},       {"cores", std::to_string(std::thread::hardware_concurrency())},
          {"compiler", compiler()},   {"flags", BRAID_BENCH_FLAGS},
          {"raw_ring", ring_flags()}};
}

}  // namespace bench
