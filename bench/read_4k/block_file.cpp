#include "read_4k/block_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>

namespace bench {
namespace {

constexpr std::uint64_t front_word(std::uint64_t block) { return (block + 1) * 0x9e3779b97f4a7c15; }
constexpr std::uint64_t back_word(std::uint64_t block) { return (block + 1) * 0xc2b2ae3d27d4eb4f; }

constexpr std::uint64_t proof_of_blocks_below(std::uint64_t block) {
  std::uint64_t sum = 0;
  for (std::uint64_t b = 0; b < block; ++b) sum += block_file::block_size + front_word(b) + back_word(b);
  return sum;
}

[[noreturn]] void fail(const std::string& call) {
  throw std::system_error(errno, std::system_category(), call);
}

}  // namespace

block_file::block_file() {
  std::string name = (std::filesystem::temp_directory_path() / "bench_blocks.XXXXXX").string();
  descriptor_ = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor_ < 0) fail("mkostemp " + name);
  ::unlink(name.c_str());
  buffer block{};
  for (std::uint64_t b = 0; b < blocks; ++b) {
    const std::uint64_t front = front_word(b);
    const std::uint64_t back = back_word(b);
    std::memcpy(block.data(), &front, sizeof front);
    std::memcpy(block.data() + block_size - sizeof back, &back, sizeof back);
    if (::write(descriptor_, block.data(), block_size) != block_size) fail("write " + name);
  }
}

block_file::~block_file() { ::close(descriptor_); }

int block_file::duplicate() const {
  const int copy = ::fcntl(descriptor_, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) fail("fcntl F_DUPFD_CLOEXEC");
  return copy;
}

std::uint64_t proof_of_read(std::uint64_t bytes, const block_file::buffer& got) noexcept {
  std::uint64_t front = 0;
  std::uint64_t back = 0;
  std::memcpy(&front, got.data(), sizeof front);
  std::memcpy(&back, got.data() + got.size() - sizeof back, sizeof back);
  return bytes + front + back;
}

std::uint64_t proof_of_reads(std::uint64_t n) {
  return n / block_file::blocks * proof_of_blocks_below(block_file::blocks) +
         proof_of_blocks_below(n % block_file::blocks);
}

}  // namespace bench
