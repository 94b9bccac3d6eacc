#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

namespace braid::http::detail {

// Bytes that were received and not consumed, in one piece. Only room() moves them: they may be consumed
// while a read into the room is in flight.
class input_buffer {
 public:
  [[nodiscard]] std::string_view filled() const noexcept { return {memory_.get() + begin_, end_ - begin_}; }
  [[nodiscard]] char* data() noexcept { return memory_.get() + begin_; }
  [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
  [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
  /// How many bytes were ever received.
  [[nodiscard]] std::uint64_t received() const noexcept { return received_; }

  /// Room to read into: at least one byte. Throws std::bad_alloc.
  [[nodiscard]] std::span<char> room() {
    if (begin_ == end_) {
      begin_ = end_ = 0;
      if (size_ > largest_kept) {
        memory_.reset();
        size_ = 0;
      }
    }
    if (size_ - end_ < least_room) make_room();
    return {memory_.get() + end_, size_ - end_};
  }
  void commit(std::size_t bytes) noexcept {
    end_ += bytes;
    received_ += bytes;
  }
  void consume(std::size_t bytes) noexcept { begin_ += bytes; }

 private:
  static constexpr std::size_t first_size = 4096, largest_kept = 64 << 10, least_room = 1024;

  void make_room() {
    const std::size_t used = size();
    if (used <= size_ / 2 && size_ != 0) {
      std::memmove(memory_.get(), memory_.get() + begin_, used);
    } else {
      const std::size_t wanted = std::max(first_size, 2 * size_);
      auto other = std::make_unique_for_overwrite<char[]>(wanted);
      if (used != 0) std::memcpy(other.get(), memory_.get() + begin_, used);
      memory_ = std::move(other);
      size_ = wanted;
    }
    begin_ = 0;
    end_ = used;
  }

  std::unique_ptr<char[]> memory_;
  std::size_t size_ = 0, begin_ = 0, end_ = 0;
  std::uint64_t received_ = 0;
};

}  // namespace braid::http::detail
