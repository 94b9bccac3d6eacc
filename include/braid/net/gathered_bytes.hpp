#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <span>
#include <utility>

#include "braid/loop/bytes.hpp"

namespace braid {

/// Several pieces of memory to write one after the other, without copying them together: two to four in
/// braces, or any number in a span.
///
///     const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
///     co_await peer.write_all({head, "hi"});  // converts to gathered_bytes
///     const std::vector<readable_bytes> many{head, "hi", "\r\n"};
///     co_await peer.write_all(gathered_bytes(many));
///
/// Lifetime  a view: the caller keeps the memory alive, and of a span the pieces, too.
class gathered_bytes {
  static constexpr std::size_t most_own = 4;

 public:
  template <class... Pieces>
    requires(sizeof...(Pieces) >= 2 && sizeof...(Pieces) <= most_own &&
             (std::convertible_to<Pieces, readable_bytes> && ...))
  gathered_bytes(Pieces&&... pieces) noexcept : count_(sizeof...(Pieces)) {
    std::size_t next = 0;
    ((own_[next++] = readable_bytes(std::forward<Pieces>(pieces))), ...);
  }
  explicit gathered_bytes(std::span<const readable_bytes> pieces) noexcept
      : others_(pieces.data()), count_(pieces.size()) {}

  /// The pieces.
  [[nodiscard]] std::span<const readable_bytes> pieces() const noexcept {
    return {others_ != nullptr ? others_ : own_.data(), count_};
  }
  /// How many bytes they have together.
  [[nodiscard]] std::size_t size() const noexcept {
    std::size_t sum = 0;
    for (const readable_bytes& each : pieces()) sum += each.size();
    return sum;
  }

 private:
  std::array<readable_bytes, most_own> own_{"", "", "", ""};
  const readable_bytes* others_ = nullptr;
  std::size_t count_;
};

}  // namespace braid
