#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "braid/postgres/detail/parameters.hpp"

namespace braid::postgres::detail {

/// One value of a result, as the server has sent it.
struct cell {
  std::string_view bytes;
  unsigned type = 0;  // its OID
  bool is_binary = false, is_null = false;
  std::string_view column;  // for messages
};

[[noreturn]] void refuse_null(const cell& from);
[[nodiscard]] bool read_bool(const cell& from);
[[nodiscard]] std::int64_t read_integer(const cell& from, std::int64_t least, std::int64_t most);
[[nodiscard]] double read_double(const cell& from);
[[nodiscard]] float read_float(const cell& from);
[[nodiscard]] std::string_view read_text(const cell& from);
[[nodiscard]] std::vector<std::byte> read_bytes(const cell& from);
[[nodiscard]] std::chrono::sys_time<std::chrono::microseconds> read_timestamp(const cell& from);
[[nodiscard]] std::chrono::sys_days read_date(const cell& from);

/// The elements of an array of one dimension.
struct elements {
  struct one {
    std::string bytes;
    bool is_null = false;
  };
  std::vector<one> all;
  unsigned type = 0;
};
[[nodiscard]] elements read_array(const cell& from);

template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;

// A T from the server's bytes. Throws errc::wrong_type, unexpected_null or out_of_range.
template <class T>
[[nodiscard]] T read(const cell& from) {
  if constexpr (is_optional<T>) {
    if (from.is_null) return std::nullopt;
    return read<typename T::value_type>(from);
  } else {
    if (from.is_null) refuse_null(from);
    if constexpr (std::same_as<T, bool>) {
      return read_bool(from);
    } else if constexpr (std::integral<T>) {
      constexpr std::int64_t most = std::in_range<std::int64_t>(std::numeric_limits<T>::max())
                                        ? static_cast<std::int64_t>(std::numeric_limits<T>::max())
                                        : std::numeric_limits<std::int64_t>::max();
      return static_cast<T>(
          read_integer(from, static_cast<std::int64_t>(std::numeric_limits<T>::min()), most));
    } else if constexpr (std::same_as<T, float>) {
      return read_float(from);
    } else if constexpr (std::same_as<T, double>) {
      return read_double(from);
    } else if constexpr (std::same_as<T, std::string_view> || std::same_as<T, std::string>) {
      return T(read_text(from));
    } else if constexpr (std::same_as<T, std::vector<std::byte>>) {
      return read_bytes(from);
    } else if constexpr (std::same_as<T, std::chrono::sys_days>) {
      return read_date(from);
    } else if constexpr (std::same_as<T, std::chrono::sys_time<std::chrono::microseconds>>) {
      return read_timestamp(from);
    } else if constexpr (is_vector<T>) {
      static_assert(!std::same_as<typename T::value_type, std::string_view>,
                    "the elements of an array have no memory of their own: ask for a vector of std::string");
      const elements found = read_array(from);
      T made;
      made.reserve(found.all.size());
      for (const elements::one& each : found.all)
        made.push_back(read<typename T::value_type>(
            {each.bytes, found.type, from.is_binary, each.is_null, from.column}));
      return made;
    } else {
      static_assert(
          std::same_as<T, void>,
          "get<T> of bool, integers, float, double, std::string, std::string_view, std::vector<std::byte>, "
          "sys_days, sys_time<microseconds>, std::optional and std::vector of these");
    }
  }
}

}  // namespace braid::postgres::detail
