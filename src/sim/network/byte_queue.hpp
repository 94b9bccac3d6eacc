#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <utility>

namespace braid::sim::detail {

// A queue of bytes, first in, first out.
class byte_queue {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size() - begin_; }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }

  void add(const char* from, std::size_t length) { bytes_.append(from, length); }
  // Takes the first bytes, at most as many as there are.
  std::size_t take(void* to, std::size_t most) {
    const std::size_t length = std::min(most, size());
    if (length != 0) std::memcpy(to, bytes_.data() + begin_, length);
    drop(length);
    return length;
  }
  std::string take(std::size_t length) {
    if (begin_ == 0 && length == bytes_.size()) return std::exchange(bytes_, {});
    std::string taken = bytes_.substr(begin_, length);
    drop(length);
    return taken;
  }
  void clear() noexcept {
    bytes_.clear();
    begin_ = 0;
  }

 private:
  void drop(std::size_t length) {
    begin_ += length;
    if (begin_ == bytes_.size()) return clear();
    if (begin_ < bytes_.size() / 2) return;
    bytes_.erase(0, begin_);
    begin_ = 0;
  }

  std::string bytes_;
  std::size_t begin_ = 0;  // bytes before it were taken
};

}  // namespace braid::sim::detail
