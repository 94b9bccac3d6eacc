#include "raw_ring.hpp"
#include "read_4k/block_file.hpp"
#include "style.hpp"

namespace {

struct one_read {
  bench::block_file file;
  bench::block_file::buffer room{};
  bench::raw_ring ring;

  std::uint64_t run(std::uint64_t n) {
    std::uint64_t proof = 0;
    std::uint64_t done = 0;
    while (done < n) {
      io_uring_prep_read(ring.next_sqe(), file.descriptor(), room.data(), room.size(), file.offset(done));
      ring.turn(1, [&](const io_uring_cqe& cqe) {
        proof += bench::proof_of_read(static_cast<std::uint64_t>(cqe.res), room);
        ++done;
      });
    }
    return proof;
  }
};

const bench::add<one_read> here{"read_4k", "raw"};

}  // namespace
