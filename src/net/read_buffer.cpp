#include "braid/net/detail/read_buffer.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "braid/base/detail/assert.hpp"

namespace braid::detail {

namespace {

constexpr std::size_t most_kept = 64 << 10;  // an empty buffer that is larger gives its memory back

}  // namespace

std::span<char> read_buffer::room(std::size_t most) {
  const std::size_t used = end_ - begin_;
  const std::size_t allowed = std::max(most, first_size);
  BRAID_ASSERT(used < allowed);
  if (end_ == size_) {
    if (used <= size_ / 2 && size_ != 0) {
      std::memmove(memory_.get(), memory_.get() + begin_, used);
      begin_ = 0;
      end_ = used;
    } else {
      const std::size_t wanted = std::min(std::max(first_size, 2 * size_), std::max(allowed, size_));
      move_to(std::make_unique_for_overwrite<char[]>(wanted), wanted);
    }
  }
  return {memory_.get() + end_, std::min(size_ - end_, allowed - used)};
}

void read_buffer::move_to(std::unique_ptr<char[]> other, std::size_t size) noexcept {
  const std::size_t used = end_ - begin_;
  if (used != 0) std::memcpy(other.get(), memory_.get() + begin_, used);
  memory_ = std::move(other);
  size_ = size;
  begin_ = 0;
  end_ = used;
}

void read_buffer::consume(std::size_t bytes) noexcept {
  BRAID_ASSERT(bytes <= end_ - begin_);
  begin_ += bytes;
  if (begin_ != end_) return;
  begin_ = end_ = 0;
  if (size_ <= most_kept) return;
  memory_.reset();
  size_ = 0;
}

}  // namespace braid::detail
