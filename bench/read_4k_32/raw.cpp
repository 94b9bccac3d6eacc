#include <array>

#include "raw_ring.hpp"
#include "read_4k/block_file.hpp"
#include "style.hpp"

namespace {

struct many_reads {
  bench::block_file file;
  std::array<bench::block_file::buffer, 32> rooms{};
  bench::raw_ring ring;

  std::uint64_t run(std::uint64_t n) {
    std::uint64_t proof = 0;
    std::uint64_t done = 0;
    std::uint64_t started = 0;
    const auto start_into = [&](bench::block_file::buffer& room) {
      io_uring_sqe* const sqe = ring.next_sqe();
      io_uring_prep_read(sqe, file.descriptor(), room.data(), room.size(), file.offset(started++));
      io_uring_sqe_set_data(sqe, &room);
    };
    for (auto& room : rooms) start_into(room);
    while (done < n) {
      ring.turn(1, [&](const io_uring_cqe& cqe) {
        auto& room = *static_cast<bench::block_file::buffer*>(io_uring_cqe_get_data(&cqe));
        proof += bench::proof_of_read(static_cast<std::uint64_t>(cqe.res), room);
        ++done;
        if (started < n) start_into(room);
      });
    }
    return proof;
  }
};

const bench::add<many_reads> here{"read_4k_32", "raw"};

}  // namespace
