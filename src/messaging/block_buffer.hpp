#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <span>

namespace braid::messaging::detail {

// Bytes for one write, at an address that O_DIRECT takes.
class block_buffer {
 public:
  static constexpr std::size_t block_bytes = 4096;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {memory_.get(), size_}; }
  void clear() noexcept { size_ = 0; }
  // Frees memory beyond most bytes.
  void shrink(std::size_t most) noexcept {
    if (room_ > most) memory_.reset(), room_ = size_ = 0;
  }
  // Makes room for more bytes at the end, and returns where they go.
  [[nodiscard]] std::byte* extend(std::size_t more) {
    if (size_ + more > room_) grow(size_ + more);
    size_ += more;
    return memory_.get() + (size_ - more);
  }
  // Fills the last block with zeros.
  void pad() {
    if (const std::size_t over = size_ % block_bytes; over != 0)
      std::memset(extend(block_bytes - over), 0, block_bytes - over);
  }

 private:
  struct freed {
    void operator()(std::byte* memory) const noexcept { std::free(memory); }
  };
  void grow(std::size_t least) {
    least = std::max(least, 2 * room_);
    least = (least + block_bytes - 1) / block_bytes * block_bytes;
    auto* const made = static_cast<std::byte*>(std::aligned_alloc(block_bytes, least));
    if (made == nullptr) throw std::bad_alloc();
    if (size_ != 0) std::memcpy(made, memory_.get(), size_);
    memory_.reset(made);
    room_ = least;
  }

  std::unique_ptr<std::byte, freed> memory_;
  std::size_t room_ = 0, size_ = 0;
};

}  // namespace braid::messaging::detail
