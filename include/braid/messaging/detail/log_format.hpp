#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

// The bytes of a log's files: docs/messaging.md. Numbers are little endian.
namespace braid::messaging::detail {

inline constexpr std::size_t head_bytes = 32;  // of a segment, and of a record
inline constexpr std::size_t record_alignment = 8;
inline constexpr std::size_t most_body_bytes = std::size_t{1} << 30;
inline constexpr std::uint32_t format_version = 1;

// A mark is a record without a body: all records up to its number are durable.
enum class record_kind : std::uint32_t { data = 1, mark = 2 };

struct record_head {
  std::uint32_t body_checksum = 0;
  std::uint32_t length = 0;
  record_kind kind = record_kind::data;
  std::uint64_t sequence = 0;  // of a mark: of the record before it
  std::uint64_t durable = 0;   // when this was written, all records up to this one were durable

  // The number that the next record must have where this one stands.
  [[nodiscard]] std::uint64_t expects() const noexcept {
    return kind == record_kind::mark ? sequence + 1 : sequence;
  }
};

// The place of a record: its checksum covers it, so that a record at another place is none.
struct record_place {
  std::uint64_t segment;  // the number of the segment's first record
  std::uint64_t offset;   // in the file
};

[[nodiscard]] constexpr std::size_t record_bytes(std::size_t body) noexcept {
  return head_bytes + (body + record_alignment - 1) / record_alignment * record_alignment;
}

// Writes record_bytes(size) bytes.
void put_record(std::byte* to, record_kind kind, std::uint64_t sequence, std::uint64_t durable,
                const void* body, std::size_t size, record_place at) noexcept;
// The head, if its checksum is right and its number is at least `least` and at most `most`.
[[nodiscard]] std::optional<record_head> read_head(const std::byte* from, record_place at,
                                                   std::uint64_t least, std::uint64_t most) noexcept;

void put_segment_head(std::byte* to, std::uint64_t first) noexcept;
enum class segment_head { right, damaged, other_version };
[[nodiscard]] segment_head read_segment_head(const std::byte* from, std::uint64_t first) noexcept;

// 00000000000000000001.segment: the number of its first record.
[[nodiscard]] std::filesystem::path segment_path(const std::filesystem::path& directory, std::uint64_t first);
// The number in such a name; nothing for any other name.
[[nodiscard]] std::optional<std::uint64_t> segment_of(std::string_view name) noexcept;

}  // namespace braid::messaging::detail
