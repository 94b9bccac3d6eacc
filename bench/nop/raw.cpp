#include "raw_ring.hpp"
#include "style.hpp"

namespace {

std::uint64_t run_nops(bench::raw_ring& ring, std::uint64_t n) {
  std::uint64_t succeeded = 0;
  for (std::uint64_t i = 0; i < n; ++i) {
    io_uring_prep_nop(ring.next_sqe());
    ring.turn(1, [&](const io_uring_cqe& cqe) { succeeded += cqe.res == 0; });
  }
  return succeeded;
}

const bench::add<bench::with<bench::raw_ring, run_nops>> here{"nop", "raw"};

}  // namespace
