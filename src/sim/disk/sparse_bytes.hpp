#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace braid::sim::detail {

// Bytes by offset, as in a sparse file: bytes that were never written are zeros and take no room.
class sparse_bytes {
 public:
  static constexpr std::uint64_t page_bytes = 4096;

  void read(std::uint64_t from, void* to, std::size_t size) const;
  void write(std::uint64_t at, const void* bytes, std::size_t size);
  // Sets [from, to) to zeros.
  void clear(std::uint64_t from, std::uint64_t to);
  // A copy of [from, to).
  [[nodiscard]] sparse_bytes part(std::uint64_t from, std::uint64_t to) const;
  // Copies [from, to) from `other`.
  void take(std::uint64_t from, std::uint64_t to, const sparse_bytes& other);

  // How many bytes of room they take.
  [[nodiscard]] std::uint64_t used() const noexcept { return used_; }
  // How many of `size` bytes can be written at `at` before they need more than `room` bytes of room.
  [[nodiscard]] std::size_t fitting(std::uint64_t at, std::size_t size, std::uint64_t room) const;

 private:
  using page = std::vector<std::byte>;  // its first bytes; zeros follow
  void resize(page& which, std::size_t size);

  std::map<std::uint64_t, page> pages_;  // by offset / page_bytes
  std::uint64_t used_ = 0;
};

}  // namespace braid::sim::detail
