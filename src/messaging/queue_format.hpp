#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// The entries of a queue's records: docs/messaging.md. Numbers are little endian.
namespace braid::messaging::detail {

inline constexpr std::uint8_t queue_format_version = 1;

enum class entry_kind : std::uint8_t {
  group = 1,      // a group with its options
  sent = 2,       // a message
  kept = 3,       // a message that was appended once more, with the state of its deliveries
  delivered = 4,  // a delivery begins
  acked = 5,
  failed = 6,    // a delivery has failed; the message is delayed, or dead
  returned = 7,  // a delivery is given back without an attempt
  redriven = 8,  // a dead message is ready again
  key_seen = 9,  // an idempotency key that was appended once more
};

// Writes the fields of entries.
class entry_writer {
 public:
  explicit entry_writer(std::string& to) noexcept : to_(to) {}
  entry_writer& byte(std::uint8_t value) { return to_.push_back(static_cast<char>(value)), *this; }
  entry_writer& kind(entry_kind value) { return byte(static_cast<std::uint8_t>(value)); }
  entry_writer& half(std::uint16_t value) { return number(value, 2); }
  entry_writer& word(std::uint32_t value) { return number(value, 4); }
  entry_writer& wide(std::uint64_t value) { return number(value, 8); }
  entry_writer& time(std::int64_t value) { return wide(static_cast<std::uint64_t>(value)); }
  entry_writer& text(std::string_view value) {  // at most 65,535 bytes
    half(static_cast<std::uint16_t>(value.size()));
    return to_.append(value), *this;
  }
  entry_writer& body(std::string_view value) {
    word(static_cast<std::uint32_t>(value.size()));
    return to_.append(value), *this;
  }

 private:
  entry_writer& number(std::uint64_t value, int bytes) {
    for (int i = 0; i != bytes; ++i) to_.push_back(static_cast<char>(value >> (8 * i) & 0xff));
    return *this;
  }
  std::string& to_;
};

// Reads them. What goes beyond the end reads as 0 or empty, and is_good() is false from then on.
class entry_reader {
 public:
  explicit entry_reader(std::string_view from) noexcept : from_(from) {}
  [[nodiscard]] bool is_good() const noexcept { return good_; }
  void fail() noexcept { good_ = false; }
  [[nodiscard]] bool at_end() const noexcept { return at_ == from_.size(); }
  [[nodiscard]] std::size_t offset() const noexcept { return at_; }
  std::uint8_t byte() noexcept { return static_cast<std::uint8_t>(number(1)); }
  entry_kind kind() noexcept { return static_cast<entry_kind>(byte()); }
  std::uint16_t half() noexcept { return static_cast<std::uint16_t>(number(2)); }
  std::uint32_t word() noexcept { return static_cast<std::uint32_t>(number(4)); }
  std::uint64_t wide() noexcept { return number(8); }
  std::int64_t time() noexcept { return static_cast<std::int64_t>(wide()); }
  std::string_view text() noexcept { return bytes(half()); }
  std::string_view body() noexcept { return bytes(word()); }

 private:
  std::string_view bytes(std::size_t size) noexcept {
    if (!good_ || from_.size() - at_ < size) return good_ = false, std::string_view();
    at_ += size;
    return from_.substr(at_ - size, size);
  }
  std::uint64_t number(std::size_t size) noexcept {
    std::uint64_t value = 0;
    const std::string_view found = bytes(size);
    for (std::size_t i = 0; i != found.size(); ++i)
      value |= std::uint64_t{static_cast<unsigned char>(found[i])} << (8 * i);
    return value;
  }
  std::string_view from_;
  std::size_t at_ = 0;
  bool good_ = true;
};

// The number of a message: that of its record, and its place among the messages of the record.
inline constexpr unsigned messages_bits = 12;
inline constexpr std::size_t most_at_once = std::size_t{1} << messages_bits;
[[nodiscard]] constexpr std::uint64_t message_number(std::uint64_t sequence, std::size_t place) noexcept {
  return sequence << messages_bits | place;
}

}  // namespace braid::messaging::detail
