#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace braid::detail {

// Bytes that were read and not consumed yet, in one piece of memory. It owns no memory before the first read.
class read_buffer {
 public:
  [[nodiscard]] std::string_view filled() const noexcept { return {memory_.get() + begin_, end_ - begin_}; }
  /// Room for at least one byte to read into; the buffer grows to at most `most` bytes, or to its first size.
  /// Throws std::bad_alloc. `most` must be more than filled().size().
  [[nodiscard]] std::span<char> room(std::size_t most);
  /// So many bytes were read into the room.
  void commit(std::size_t bytes) noexcept { end_ += bytes; }
  void consume(std::size_t bytes) noexcept;

  static constexpr std::size_t first_size = 4096;

 private:
  void move_to(std::unique_ptr<char[]> other, std::size_t size) noexcept;

  std::unique_ptr<char[]> memory_;
  std::size_t size_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace braid::detail
