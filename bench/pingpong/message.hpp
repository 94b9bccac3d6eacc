#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace bench {

/// The 64 bytes of a round trip. The client numbers its requests 0, 1, 2 …; the server adds one.
class message {
 public:
  using bytes_type = std::array<std::byte, 64>;

  [[nodiscard]] bytes_type& bytes() noexcept { return bytes_; }

  [[nodiscard]] std::uint64_t number() const noexcept {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes_.data() + bytes_.size() - sizeof value, sizeof value);
    return value;
  }
  void set_number(std::uint64_t value) noexcept {
    std::memcpy(bytes_.data() + bytes_.size() - sizeof value, &value, sizeof value);
  }

  /// Turns a request into the reply; the server calls it.
  void answer() noexcept { set_number(number() + 1); }

 private:
  bytes_type bytes_{};
};

/// The proof of n round trips: the sum of the numbers in the replies.
constexpr std::uint64_t proof_of_replies(std::uint64_t n) { return n * (n + 1) / 2; }

}  // namespace bench
