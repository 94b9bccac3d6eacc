#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "braid/redis/error.hpp"

namespace braid::redis {

/// What a server replies, as the protocol RESP2 has it: nothing, a number, a text, or an array of values.
///
///     const redis::value reply = co_await db.command("LRANGE", "jobs", 0, -1);
///     for (const redis::value& each : reply.array()) log(each.text());
///     use((co_await db.command("STRLEN", "name")).integer());
///
/// as<T>() converts:
///
///     const auto all = co_await db.command("SMEMBERS", "tags");
///     use(all.as<std::vector<std::string>>());
///
/// Errors  what asks for another kind than the value has throws errc::unexpected_reply.
class value {
 public:
  enum class kind : std::uint8_t {
    nil,      ///< what is not there
    integer,
    status,   ///< a short text like OK
    bytes,    ///< any bytes
    array,
    error,    ///< an error reply within an array; command() makes a failure of one that is the whole reply
  };

  value() = default;
  explicit value(std::int64_t number) noexcept : content_(number), kind_(kind::integer) {}
  /// A status, bytes, or an error.
  value(kind which, std::string text) noexcept : content_(std::move(text)), kind_(which) {}
  explicit value(std::vector<value> elements) noexcept : content_(std::move(elements)), kind_(kind::array) {}

  [[nodiscard]] kind its_kind() const noexcept { return kind_; }
  [[nodiscard]] bool is_nil() const noexcept { return kind_ == kind::nil; }
  [[nodiscard]] bool is_error() const noexcept { return kind_ == kind::error; }

  [[nodiscard]] std::int64_t integer() const;
  /// Of a status, of bytes or of an error.
  [[nodiscard]] const std::string& text() const&;
  [[nodiscard]] std::string text() &&;
  [[nodiscard]] const std::vector<value>& array() const&;
  [[nodiscard]] std::vector<value> array() &&;

  /// Converts to std::int64_t (also from digits), double, bool (an integer other than 0, or OK), std::string,
  /// a std::optional of these (none for nil), a std::vector of these (empty for nil), or a std::pair of these
  /// (of an array of two).
  template <class T>
  [[nodiscard]] T as() const;

  /// As redis-cli shows it, for messages: (nil), 7, "a", [1, 2].
  [[nodiscard]] std::string to_string() const;

  friend bool operator==(const value&, const value&) = default;

  // For the reader of replies, which fills an array.
  [[nodiscard]] std::vector<value>& elements() noexcept { return std::get<std::vector<value>>(content_); }

 private:
  [[noreturn]] void is_no(const char* wanted) const;
  [[nodiscard]] std::int64_t as_integer() const;
  [[nodiscard]] double as_double() const;
  [[nodiscard]] bool as_bool() const;
  [[nodiscard]] std::string as_string() const;
  [[nodiscard]] const std::vector<value>& pair() const;

  std::variant<std::monostate, std::int64_t, std::string, std::vector<value>> content_;
  kind kind_ = kind::nil;
};

namespace detail {
template <class T>
struct conversion;  // only for what value::as converts to
template <class T>
struct conversion<std::optional<T>> {
  static std::optional<T> of(const value& from) {
    return from.is_nil() ? std::nullopt : std::optional<T>(from.as<T>());
  }
};
template <class T>
struct conversion<std::vector<T>> {
  static std::vector<T> of(const value& from) {
    std::vector<T> all;
    if (from.is_nil()) return all;
    all.reserve(from.array().size());
    for (const value& each : from.array()) all.push_back(each.as<T>());
    return all;
  }
};
}  // namespace detail

template <class T>
T value::as() const {
  if constexpr (std::same_as<T, value>)
    return *this;
  else if constexpr (std::same_as<T, bool>)
    return as_bool();
  else if constexpr (std::same_as<T, std::int64_t>)
    return as_integer();
  else if constexpr (std::same_as<T, double>)
    return as_double();
  else if constexpr (std::same_as<T, std::string>)
    return as_string();
  else if constexpr (requires { typename T::first_type; })
    return T(pair()[0].template as<typename T::first_type>(),
             pair()[1].template as<typename T::second_type>());
  else
    return detail::conversion<T>::of(*this);
}

}  // namespace braid::redis
