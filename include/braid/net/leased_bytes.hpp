#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "braid/loop/detail/buffer_pool.hpp"

namespace braid {

namespace tcp::detail {
class byte_arrivals;
}  // namespace tcp::detail

/// Received bytes, in a buffer that is borrowed from the loop: what incoming_bytes gives. The buffer goes
/// back when the leased_bytes ends.
///
///     auto arriving = peer.incoming_bytes();
///     while (const std::optional<leased_bytes> part = co_await arriving.next())
///       co_await peer.write_all(*part);  // it converts to readable_bytes
///
/// Keep one as long as its bytes are in use, and no longer: the loop has a limited number of buffers
/// (loop_options::receive_buffers). Copy what must stay, such as the first half of a message.
///
/// Lifetime  its own: it may outlive its stream, and even its loop.
/// Threads   its loop's; ending it on another thread aborts the program.
class leased_bytes {
 public:
  leased_bytes() = default;
  leased_bytes(leased_bytes&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)), size_(std::exchange(other.size_, 0)), id_(other.id_) {}
  leased_bytes& operator=(leased_bytes other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(size_, other.size_);
    std::swap(id_, other.id_);
    return *this;
  }
  ~leased_bytes() {
    if (pool_ != nullptr) give_back();
  }

  /// The bytes; none after a move.
  [[nodiscard]] const char* data() const noexcept { return pool_ != nullptr ? pool_->data(id_) : nullptr; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] const char* begin() const noexcept { return data(); }
  [[nodiscard]] const char* end() const noexcept { return data() + size_; }
  /// The bytes as text; valid as long as they are leased.
  [[nodiscard]] std::string_view text() const noexcept { return {data(), size_}; }

 private:
  friend class tcp::detail::byte_arrivals;
  leased_bytes(detail::buffer_pool& from, std::uint16_t id, std::size_t size) noexcept
      : pool_(&from), size_(static_cast<std::uint32_t>(size)), id_(id) {
    from.join();
  }
  void give_back() noexcept;

  detail::buffer_pool* pool_ = nullptr;
  std::uint32_t size_ = 0;
  std::uint16_t id_ = 0;
};

}  // namespace braid
