#include <braid/braid.hpp>

#include "read_4k/block_file.hpp"
#include "style.hpp"
#include "thread_loop.hpp"

namespace {

std::uint64_t reads(const braid::file& file, std::uint64_t n) {
  bench::block_file::buffer room{};
  std::uint64_t proof = 0;
  for (std::uint64_t i = 0; i < n; ++i) {
    const std::size_t got = braid::await(file.read_at(bench::block_file::offset(i), room));
    proof += bench::proof_of_read(got, room);
  }
  return proof;
}

struct one_read {
  bench::thread_loop loop;
  bench::block_file blocks;
  braid::file file = braid::file::from_descriptor(blocks.duplicate());

  std::uint64_t run(std::uint64_t n) {
    return loop->run(braid::in_fiber([&] { return reads(file, n); }));
  }
};

const bench::add<one_read> here{"read_4k", "fiber"};

}  // namespace
