#include "raw_ring.hpp"
#include "style.hpp"

namespace {

std::uint64_t run_nops(bench::raw_ring& ring, std::uint64_t n) {
  std::uint64_t succeeded = 0;
  std::uint64_t ended = 0;
  std::uint64_t started = 0;
  const auto start_one = [&] {
    io_uring_prep_nop(ring.next_sqe());
    ++started;
  };
  while (started < 32) start_one();
  while (ended < n) {
    ring.turn(1, [&](const io_uring_cqe& cqe) {
      ++ended;
      succeeded += cqe.res == 0;
      if (started < n) start_one();
    });
  }
  return succeeded;
}

const bench::add<bench::with<bench::raw_ring, run_nops>> here{"nop32", "raw"};

}  // namespace
