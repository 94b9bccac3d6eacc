#include "braid/loop/bytes.hpp"

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"

namespace {

using namespace braid;

template <class T>
concept readable = std::is_convertible_v<T, readable_bytes>;
template <class T>
concept writable = std::is_convertible_v<T, writable_bytes>;

static_assert(writable<std::string&> && writable<std::vector<std::byte>&> &&
              writable<std::array<unsigned char, 4>&>);
static_assert(writable<std::span<std::byte>> && writable<char (&)[4]>);
static_assert(!writable<std::string_view> && !writable<const std::string&> &&
              !writable<std::span<const std::byte>>);
static_assert(!writable<std::string>);  // a temporary would be destroyed before it is filled
static_assert(!writable<std::vector<int>&> && !writable<std::vector<bool>&>);
static_assert(readable<std::string_view> && readable<const std::string&> &&
              readable<std::span<const std::byte>>);
static_assert(readable<const char*> && !readable<std::vector<int>&> && !readable<int>);

TEST_CASE("writable_bytes: is a view of any contiguous range of bytes", "[loop][bytes]") {
  std::string text = "hello";
  const writable_bytes of_text = text;
  CHECK(of_text.data() == text.data());
  CHECK(of_text.size() == 5);
  std::byte raw[3];
  CHECK(writable_bytes(raw).size() == 3);
  CHECK(writable_bytes(std::span(raw).subspan(1)).data() == raw + 1);
}

TEST_CASE("readable_bytes: takes the characters of a literal, and all of a char array", "[loop][bytes]") {
  CHECK(readable_bytes("hello").size() == 5);
  CHECK(readable_bytes("").size() == 0);
  char room[8] = "hello";
  CHECK(readable_bytes(room).size() == 8);
  const std::string zero("a\0b", 3);
  CHECK(readable_bytes(zero).size() == 3);
}

TEST_CASE("at_once: is the most that Linux moves in one call", "[loop][bytes]") {
  CHECK(transfer_length(0) == 0);
  CHECK(transfer_length(5) == 5);
  CHECK(transfer_length(most_at_once) == 0x7ffff000);
  CHECK(transfer_length(std::size_t{1} << 40) == 0x7ffff000);
}

}  // namespace
