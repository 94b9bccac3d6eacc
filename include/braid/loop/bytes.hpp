#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <ranges>
#include <span>
#include <string_view>
#include <type_traits>

namespace braid {

/// A type that holds one byte: std::byte, char, unsigned char.
///
///     static_assert(byte_like<std::byte> && byte_like<const char> && !byte_like<int>);
template <class T>
concept byte_like = std::same_as<std::remove_cv_t<T>, std::byte> || std::same_as<std::remove_cv_t<T>, char> ||
                    std::same_as<std::remove_cv_t<T>, unsigned char>;

/// A contiguous range of byte_like elements: a span, an array, a string, a vector.
///
///     static_assert(byte_range<std::string> && byte_range<std::vector<std::byte>>);
template <class Range>
concept byte_range = std::ranges::contiguous_range<Range> && std::ranges::sized_range<Range> &&
                     byte_like<std::remove_reference_t<std::ranges::range_reference_t<Range>>>;

/// Memory to read into: any contiguous range of writable bytes. A view; the caller keeps the memory alive.
///
///     std::array<std::byte, 4096> room;
///     const std::size_t got = co_await peer.read_some(room);                  // converts to writable_bytes
///     co_await peer.read_exactly(writable_bytes(std::span(room).first(16)));  // a part of it
class writable_bytes {
 public:
  /// The memory of a range.
  template <byte_range Range>
    requires(!std::is_const_v<std::remove_reference_t<std::ranges::range_reference_t<Range>>> &&
             (std::is_lvalue_reference_v<Range> || std::ranges::borrowed_range<Range>))
  writable_bytes(Range&& range) noexcept : data_(std::ranges::data(range)), size_(std::ranges::size(range)) {}
  [[nodiscard]] void* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  void* data_;
  std::size_t size_;
};

/// Memory to write from: any contiguous range of bytes. A string literal counts without its final zero.
/// A view; the caller keeps the memory alive.
///
///     const std::string text = "hello";
///     co_await peer.write_all(text);                     // converts to readable_bytes
///     co_await peer.write_all(readable_bytes("hello"));  // 5 bytes, without the zero
class readable_bytes {
 public:
  /// The memory of a range.
  template <byte_range Range>
    requires(!std::is_array_v<std::remove_reference_t<Range>>)
  readable_bytes(Range&& range) noexcept : data_(std::ranges::data(range)), size_(std::ranges::size(range)) {}
  readable_bytes(const char* text) noexcept : readable_bytes(std::string_view(text)) {}
  template <byte_like T, std::size_t N>
    requires(!std::same_as<T, const char>)
  readable_bytes(T (&array)[N]) noexcept : data_(array), size_(N) {}
  [[nodiscard]] const void* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  const void* data_;
  std::size_t size_;
};

/// The most bytes that Linux moves in one read or write.
///
///     static_assert(most_at_once < std::size_t{2} << 30);
inline constexpr std::size_t most_at_once = 0x7ffff000;

/// How many of size bytes one read or write may ask for.
///
///     request read_into(writable_bytes to) {
///       return {.code = opcode::read, .address = to.data(), .length = transfer_length(to.size())};
///     }
[[nodiscard]] inline std::uint32_t transfer_length(std::size_t size) noexcept {
  return static_cast<std::uint32_t>(std::min(size, most_at_once));
}

}  // namespace braid
