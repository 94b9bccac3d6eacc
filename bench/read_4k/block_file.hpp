#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace bench {

/// A cached file of 256 blocks of 4 KiB. Each block contains its number at both ends.
///
/// Lifetime  the file has no name and is removed with its last descriptor.
class block_file {
 public:
  static constexpr std::size_t block_size = 4096;
  static constexpr std::uint64_t blocks = 256;
  using buffer = std::array<std::byte, block_size>;

  block_file();
  ~block_file();
  block_file(const block_file&) = delete;
  block_file& operator=(const block_file&) = delete;

  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

  /// A second descriptor of the same file, for a caller that will close it.
  [[nodiscard]] int duplicate() const;

  /// The offset of the i-th read of a run; a run goes round the file in order.
  [[nodiscard]] static constexpr std::uint64_t offset(std::uint64_t i) noexcept {
    return i % blocks * block_size;
  }

 private:
  int descriptor_;
};

/// The contribution of one read to the proof: the number of bytes, and the two words that name the block.
std::uint64_t proof_of_read(std::uint64_t bytes, const block_file::buffer& got) noexcept;

/// The proof of n reads at offset(0) … offset(n - 1), in any order.
std::uint64_t proof_of_reads(std::uint64_t n);

}  // namespace bench
