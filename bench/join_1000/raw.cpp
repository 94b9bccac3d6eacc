#include "raw_ring.hpp"
#include "style.hpp"

namespace {

struct thousand_nops {
  bench::raw_ring ring{1024};

  std::uint64_t run(std::uint64_t n) {
    std::uint64_t done = 0;
    for (std::uint64_t joined = 0; joined < n; ++joined) {
      for (int i = 0; i < 1000; ++i) io_uring_prep_nop(ring.next_sqe());
      unsigned left = 1000;
      while (left > 0) {
        ring.turn(left, [&](const io_uring_cqe& cqe) {
          done += cqe.res == 0;
          --left;
        });
      }
    }
    return done;
  }
};

const bench::add<thousand_nops> here{"join_1000", "raw"};

}  // namespace
