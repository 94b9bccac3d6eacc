#include <braid/braid.hpp>

#include <array>

#include "read_4k/block_file.hpp"
#include "style.hpp"
#include "thread_loop.hpp"

namespace {

struct many_reads {
  bench::thread_loop loop;
  bench::block_file blocks;
  braid::file file = braid::file::from_descriptor(blocks.duplicate());
  std::array<bench::block_file::buffer, 32> rooms{};
  std::uint64_t n = 0;
  std::uint64_t started = 0;
  std::uint64_t proof = 0;

  void read_into(bench::block_file::buffer& room) {
    (void)braid::spawn(file.read_at(blocks.offset(started++), room)).then([this, &room](std::size_t got) {
      proof += bench::proof_of_read(got, room);
      if (started < n) read_into(room);
    });
  }

  std::uint64_t run(std::uint64_t wanted) {
    n = wanted;
    started = 0;
    proof = 0;
    for (auto& room : rooms) read_into(room);
    loop->run();
    return proof;
  }
};

const bench::add<many_reads> here{"read_4k_32", "future"};

}  // namespace
