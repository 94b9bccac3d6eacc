#include <braid/braid.hpp>

#include "read_4k/block_file.hpp"
#include "style.hpp"
#include "thread_loop.hpp"

namespace {

struct read_after_read {
  bench::thread_loop loop;
  bench::block_file blocks;
  braid::file file = braid::file::from_descriptor(blocks.duplicate());
  bench::block_file::buffer room{};
  std::uint64_t n = 0;
  std::uint64_t done = 0;
  std::uint64_t proof = 0;

  void next() {
    braid::start(file.read_at(blocks.offset(done), room), [this](braid::result<std::size_t> got) {
      if (got) proof += bench::proof_of_read(*got, room);
      if (++done < n) next();
    });
  }

  std::uint64_t run(std::uint64_t wanted) {
    n = wanted;
    done = 0;
    proof = 0;
    next();
    loop->run();
    return proof;
  }
};

const bench::add<read_after_read> here{"read_4k", "callback"};

}  // namespace
