#include <unistd.h>

#include "read_4k/block_file.hpp"
#include "style.hpp"

namespace {

struct one_pread {
  bench::block_file file;
  bench::block_file::buffer room{};

  std::uint64_t run(std::uint64_t n) {
    std::uint64_t proof = 0;
    for (std::uint64_t i = 0; i < n; ++i) {
      const auto got =
          ::pread(file.descriptor(), room.data(), room.size(), static_cast<off_t>(file.offset(i)));
      proof += bench::proof_of_read(static_cast<std::uint64_t>(got), room);
    }
    return proof;
  }
};

const bench::add<one_pread> here{"read_4k", "blocking"};

}  // namespace
