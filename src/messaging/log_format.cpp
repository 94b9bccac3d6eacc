#include "braid/messaging/detail/log_format.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <concepts>
#include <cstring>
#include <string>
#include <system_error>

#include "braid/messaging/detail/crc32c.hpp"

namespace braid::messaging::detail {

namespace {

// The fields of a record's head, and of a segment's.
enum record_field : std::size_t { checksum_at = 0, body_checksum_at = 4, length_at = 8, kind_at = 12 };
constexpr std::size_t sequence_at = 16, durable_at = 24;
constexpr char magic[] = {'b', 'r', 'a', 'i', 'd', 'l', 'o', 'g'};
constexpr std::size_t segment_checksum_at = 8, version_at = 12, first_at = 16, reserved_at = 24;

constexpr std::size_t digits = 20;
constexpr std::string_view name_ending = ".segment";

template <std::unsigned_integral T>
T little_endian(T value) noexcept {
  if constexpr (std::endian::native == std::endian::little) return value;
  T swapped = 0;
  for (std::size_t i = 0; i != sizeof(T); ++i) {
    swapped = static_cast<T>(swapped << 8 | (value & 0xff));
    value >>= 8;
  }
  return swapped;
}
template <std::unsigned_integral T>
void put(std::byte* to, T value) noexcept {
  value = little_endian(value);
  std::memcpy(to, &value, sizeof value);
}
template <std::unsigned_integral T>
T get(const std::byte* from) noexcept {
  T value = 0;
  std::memcpy(&value, from, sizeof value);
  return little_endian(value);
}

std::uint32_t checksum_of_head(const std::byte* head, record_place at) noexcept {
  std::byte place[16];
  put(place, at.segment);
  put(place + 8, at.offset);
  return crc32c(head + body_checksum_at, head_bytes - body_checksum_at, crc32c(place, sizeof place));
}

std::uint32_t checksum_of_segment(const std::byte* head) noexcept {
  return crc32c(head + version_at, head_bytes - version_at);
}

}  // namespace

void put_record(std::byte* to, record_kind kind, std::uint64_t sequence, std::uint64_t durable,
                const void* body, std::size_t size, record_place at) noexcept {
  put(to + body_checksum_at, crc32c(body, size));
  put(to + length_at, static_cast<std::uint32_t>(size));
  put(to + kind_at, static_cast<std::uint32_t>(kind));
  put(to + sequence_at, sequence);
  put(to + durable_at, durable);
  put(to + checksum_at, checksum_of_head(to, at));
  if (size != 0) std::memcpy(to + head_bytes, body, size);
  std::memset(to + head_bytes + size, 0, record_bytes(size) - head_bytes - size);
}

std::optional<record_head> read_head(const std::byte* from, record_place at, std::uint64_t least,
                                     std::uint64_t most) noexcept {
  record_head found;
  found.sequence = get<std::uint64_t>(from + sequence_at);
  const auto kind = get<std::uint32_t>(from + kind_at);
  if (kind != 1 && kind != 2) return std::nullopt;
  found.kind = static_cast<record_kind>(kind);
  if (found.expects() < least || found.expects() > most) return std::nullopt;
  found.length = get<std::uint32_t>(from + length_at);
  if (found.length > most_body_bytes) return std::nullopt;
  if (get<std::uint32_t>(from + checksum_at) != checksum_of_head(from, at)) return std::nullopt;
  found.durable = get<std::uint64_t>(from + durable_at);
  found.body_checksum = get<std::uint32_t>(from + body_checksum_at);
  return found;
}

void put_segment_head(std::byte* to, std::uint64_t first) noexcept {
  std::memcpy(to, magic, sizeof magic);
  put(to + version_at, format_version);
  put(to + first_at, first);
  put(to + reserved_at, std::uint64_t{0});
  put(to + segment_checksum_at, checksum_of_segment(to));
}

segment_head read_segment_head(const std::byte* from, std::uint64_t first) noexcept {
  const bool right = std::memcmp(from, magic, sizeof magic) == 0 &&
                     get<std::uint32_t>(from + segment_checksum_at) == checksum_of_segment(from) &&
                     get<std::uint64_t>(from + first_at) == first;
  if (!right) return segment_head::damaged;
  return get<std::uint32_t>(from + version_at) == format_version ? segment_head::right
                                                                 : segment_head::other_version;
}

std::filesystem::path segment_path(const std::filesystem::path& directory, std::uint64_t first) {
  std::string name = std::to_string(first);
  name.insert(0, digits - std::min(digits, name.size()), '0');
  return directory / name.append(name_ending);
}

std::optional<std::uint64_t> segment_of(std::string_view name) noexcept {
  if (name.size() != digits + name_ending.size() || !name.ends_with(name_ending)) return std::nullopt;
  std::uint64_t first = 0;
  const char* const end = name.data() + digits;
  const auto [stopped_at, failed] = std::from_chars(name.data(), end, first);
  if (failed != std::errc() || stopped_at != end || first == 0) return std::nullopt;
  return first;
}

}  // namespace braid::messaging::detail
