#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "braid/fs/file.hpp"
#include "braid/messaging/detail/log_format.hpp"
#include "braid/messaging/log_recovery.hpp"
#include "braid/style/task.hpp"

namespace braid::messaging::detail {

// Reads a segment record by record. Behind damage it looks for the next record that is one.
class segment_reader {
 public:
  // The next thing in the segment: a record, damage in place of some, or neither at the end.
  struct step {
    std::optional<record_head> head{};
    std::string_view body{};  // valid until the next call
    std::uint64_t offset = 0;
    std::optional<log_damage> damage{};
    bool to_the_end = false;  // of damage: no record follows
    bool is_zeros = false;    // of such damage: nothing was ever written there
  };

  // Begins at an offset where the record `expected` stands, or at 0. Reads nothing at `end` or behind it.
  segment_reader(const file& from, std::uint64_t segment, std::uint64_t offset, std::uint64_t expected,
                 std::uint64_t end);

  [[nodiscard]] task<step> next();
  // The file has grown.
  void extend(std::uint64_t end) noexcept { end_ = end; }
  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }
  // The number of the next record.
  [[nodiscard]] std::uint64_t expected() const noexcept { return expected_; }

 private:
  static constexpr std::size_t read_ahead_bytes = 256 << 10;

  [[nodiscard]] bool has(std::size_t bytes) const noexcept {
    return offset_ >= base_ && offset_ + bytes <= base_ + filled_;
  }
  [[nodiscard]] const std::byte* here() const noexcept { return buffer_.data() + (offset_ - base_); }
  [[nodiscard]] std::optional<record_head> head_here() const noexcept;
  [[nodiscard]] task<> fill(std::size_t bytes);
  [[nodiscard]] task<> skip_to_a_head();
  [[nodiscard]] log_damage damage(std::uint64_t from, std::uint64_t first, std::uint64_t last,
                                  std::string_view how) const;
  [[nodiscard]] step damage_to_the_end(std::uint64_t from);

  const file& from_;
  const std::uint64_t segment_;
  std::uint64_t offset_, expected_, end_;
  std::vector<std::byte> buffer_;
  std::uint64_t base_ = 0;  // the offset of the buffer's first byte
  std::size_t filled_ = 0;
  bool only_zeros_ = true;  // of what skip_to_a_head has passed
};

}  // namespace braid::messaging::detail
