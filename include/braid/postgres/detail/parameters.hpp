#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "braid/base/error.hpp"

namespace braid::postgres::detail {

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class T>
concept byte_range = std::ranges::contiguous_range<T> && std::ranges::sized_range<T> &&
                     std::same_as<std::remove_cv_t<std::ranges::range_value_t<T>>, std::byte>;

// The text that PostgreSQL reads for a value.
[[nodiscard]] std::string text_of(bool value);
[[nodiscard]] std::string text_of(std::int64_t value);
[[nodiscard]] std::string text_of(std::uint64_t value);
[[nodiscard]] std::string text_of(float value);
[[nodiscard]] std::string text_of(double value);
[[nodiscard]] std::string text_of(std::chrono::sys_time<std::chrono::microseconds> value);
[[nodiscard]] std::string text_of(std::chrono::sys_days value);
[[nodiscard]] std::string text_of(std::span<const std::byte> value);

template <class T>
concept timestamp_like = requires(const T& value) {
  typename T::clock;
  requires std::same_as<typename T::clock, std::chrono::system_clock>;
};

// A value other than null and an array, as text.
template <class T>
[[nodiscard]] std::string scalar_text(const T& value) {
  if constexpr (std::same_as<T, bool> || std::floating_point<T>) {
    static_assert(!std::same_as<T, long double>, "PostgreSQL has no long double: pass a double");
    return text_of(value);
  } else if constexpr (std::integral<T>) {
    static_assert(!std::same_as<T, char>, "a char is text or a number: pass a std::string or an int");
    if constexpr (std::is_signed_v<T>)
      return text_of(static_cast<std::int64_t>(value));
    else
      return text_of(static_cast<std::uint64_t>(value));
  } else if constexpr (std::convertible_to<const T&, std::string_view>) {
    return std::string(std::string_view(value));
  } else if constexpr (byte_range<const T>) {
    return text_of(std::span<const std::byte>(value));
  } else if constexpr (timestamp_like<T>) {
    if constexpr (std::same_as<T, std::chrono::sys_days>)
      return text_of(value);
    else
      return text_of(std::chrono::floor<std::chrono::microseconds>(value));
  } else {
    static_assert(std::same_as<T, void>,
                  "PostgreSQL has no parameter of this type: convert it, to a text for instance");
    return {};
  }
}

/// The parameters of a statement. Their types are those that the server infers, but for bytes.
class parameters {
 public:
  template <class T>
  void add(const T& value) {
    if constexpr (std::same_as<T, std::nullopt_t> || std::same_as<T, std::nullptr_t>) {
      add_null();
    } else if constexpr (is_optional<T>) {
      if (value)
        add(*value);
      else
        add_null();
    } else if constexpr (byte_range<const T>) {
      add_bytes(std::span<const std::byte>(value));
    } else if constexpr (std::ranges::input_range<const T> &&
                         !std::convertible_to<const T&, std::string_view>) {
      std::string text = "{";
      for (auto&& each : value) {
        if (text.size() > 1) text += ',';
        add_element<std::ranges::range_value_t<const T>>(text, each);
      }
      add_text(text += '}');
    } else {
      if constexpr (std::is_pointer_v<T>) {
        if (value == nullptr) return add_null();
      }
      add_text(scalar_text(value));
    }
  }

  [[nodiscard]] std::size_t size() const noexcept { return values_.size(); }
  /// Why they cannot be sent, or null.
  [[nodiscard]] const std::optional<error>& fault() const noexcept { return fault_; }

  struct sent_value {
    std::string bytes;
    bool is_null = false, is_binary = false;
  };
  [[nodiscard]] const std::vector<sent_value>& values() const noexcept { return values_; }

 private:
  void add_null();
  void add_text(std::string text);
  void add_bytes(std::span<const std::byte> bytes);
  template <class T>
  static void add_element(std::string& array, const T& value) {
    if constexpr (is_optional<T>) {
      if (!value) {
        array += "NULL";
        return;
      }
      add_element(array, *value);
    } else {
      add_quoted(array, scalar_text(value));
    }
  }
  static void add_quoted(std::string& array, std::string_view text);

  std::vector<sent_value> values_;
  std::optional<error> fault_;
};

template <class... Values>
[[nodiscard]] parameters made_of(const Values&... values) {
  parameters made;
  (made.add(values), ...);
  return made;
}

}  // namespace braid::postgres::detail
