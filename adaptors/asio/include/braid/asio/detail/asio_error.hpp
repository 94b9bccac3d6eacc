#pragma once

#include <algorithm>
#include <array>
#include <boost/system/error_code.hpp>
#include <concepts>
#include <cstddef>
#include <exception>
#include <string_view>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>

#include "braid/base/error.hpp"

namespace braid::detail {

// The call's name in an error: use_braid, or what Asio calls the operation's beginning. It is a class,
// such as initiate_async_receive.
template <class Initiation>
struct asio_call {
  static constexpr std::string_view spelled() noexcept {
    constexpr std::string_view prefix = "initiate_async_";
    constexpr std::string_view whole = __PRETTY_FUNCTION__;
    const std::size_t at = whole.find(prefix);
    if (at == whole.npos) return "use_braid";
    std::string_view found = whole.substr(at + prefix.size() - 6);  // from "async_" on
    found = found.substr(0, found.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"));
    for (const char* detail : {"_buffer_sequence", "_dynbuf", "_delim", "_range", "_iterator"})
      found = found.substr(0, found.find(detail));
    return found;
  }
  static constexpr auto copied = [] {
    std::array<char, spelled().size() + 1> text{};
    std::ranges::copy(spelled(), text.begin());
    return text;
  }();
  static constexpr const char* name = copied.data();
};

template <class X>
concept asio_failure = std::same_as<std::remove_cvref_t<X>, boost::system::error_code> ||
                       std::same_as<std::remove_cvref_t<X>, std::error_code> ||
                       std::same_as<std::remove_cvref_t<X>, std::exception_ptr>;

// The value that a completion signature stands for.
template <class... Values>
struct asio_values {
  using type = std::tuple<std::decay_t<Values>...>;
};
template <class Value>
struct asio_values<Value> {
  using type = std::decay_t<Value>;
};
template <>
struct asio_values<> {
  using type = void;
};
template <class Signature>
struct asio_signature;
template <class R, class... Args>
struct asio_signature<R(Args...)> : asio_values<Args...> {};
template <class R, asio_failure Failure, class... Args>
struct asio_signature<R(Failure, Args...)> : asio_values<Args...> {};
template <class Signature>
using asio_value = typename asio_signature<Signature>::type;

inline bool has_failed(const boost::system::error_code& code) noexcept { return code.failed(); }
inline bool has_failed(const std::error_code& code) noexcept { return bool(code); }
inline bool has_failed(const std::exception_ptr& failure) noexcept { return failure != nullptr; }

inline error error_of(const std::error_code& code, const char* call) noexcept { return error(code, call); }
inline error error_of(std::exception_ptr failure, const char*) noexcept { return error(std::move(failure)); }
inline error error_of(const boost::system::error_code& code, const char* call) noexcept {
  // Boost's own category of the system's errors would not equal std::errc's.
  if (code.category() == boost::system::system_category())
    return error(std::error_code(code.value(), std::system_category()), call);
  return error(static_cast<std::error_code>(code), call);
}

template <class T, class Done, class... Values>
void end_well(Done& done, Values&&... values) {
  if constexpr (std::is_void_v<T>)
    done();
  else
    done(T(std::forward<Values>(values)...));
}

// Ends an operation of T with what its handler was called with.
template <class T, class Done, class... Values>
  requires(sizeof...(Values) == 0 || !asio_failure<std::tuple_element_t<0, std::tuple<Values..., void>>>)
void complete_asio(Done& done, const char*, Values&&... values) {
  end_well<T>(done, std::forward<Values>(values)...);
}
template <class T, class Done, asio_failure Failure, class... Values>
void complete_asio(Done& done, const char* call, Failure&& failure, Values&&... values) {
  if (!has_failed(failure)) return end_well<T>(done, std::forward<Values>(values)...);
  error why = error_of(std::forward<Failure>(failure), call);
  if constexpr (sizeof...(Values) == 1 && (std::same_as<std::remove_cvref_t<Values>, std::size_t> && ...))
    (why.set_transferred(values), ...);
  done(std::move(why));
}

}  // namespace braid::detail
