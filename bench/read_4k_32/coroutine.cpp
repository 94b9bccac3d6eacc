#include <braid/braid.hpp>

#include <array>
#include <range/v3/view/transform.hpp>

#include "read_4k/block_file.hpp"
#include "style.hpp"
#include "thread_loop.hpp"

namespace {

struct many_reads {
  bench::thread_loop loop;
  bench::block_file blocks;
  braid::file file = braid::file::from_descriptor(blocks.duplicate());
  std::array<bench::block_file::buffer, 32> rooms{};
  std::uint64_t started = 0;
  std::uint64_t proof = 0;

  braid::task<> reader(bench::block_file::buffer& room, std::uint64_t n) {
    while (started < n) {
      const std::size_t got = co_await file.read_at(blocks.offset(started++), room);
      proof += bench::proof_of_read(got, room);
    }
  }

  std::uint64_t run(std::uint64_t n) {
    started = 0;
    proof = 0;
    const auto worker = [&](bench::block_file::buffer& room) { return reader(room, n); };
    loop->run(braid::when_all(rooms | ranges::views::transform(worker)));
    return proof;
  }
};

const bench::add<many_reads> here{"read_4k_32", "coroutine"};

}  // namespace
