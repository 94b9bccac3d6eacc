#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

#include "braid/core/detail/just_state.hpp"
#include "braid/core/sender.hpp"

namespace braid {

/// A sender that calls f when it is started and completes at once with f's value or exception.
///
///     log(co_await just_from([] { return std::filesystem::current_path().string(); }));
template <std::invocable F>
[[nodiscard]] auto just_from(F f) {
  static_assert(!lazy_sender<std::invoke_result_t<F&>>,
                "just_from does not wait for the sender that f returns: use defer(f)");
  return detail::just_made_by(std::move(f));
}

/// A sender that completes at once with the value, or with void.
///
///     auto length_of(const std::string& cached) { return just(cached.size()); }
template <class T>
[[nodiscard]] auto just(T&& value) {
  return detail::just_made_by([value = std::forward<T>(value)]() mutable { return std::move(value); });
}
/// A sender of void that completes at once.
[[nodiscard]] inline auto just() {
  return just_from([] {});
}

/// A sender of T that completes at once with an error.
///
///     auto offline() { return just_error<std::string>(std::errc::network_down); }
template <class T>
[[nodiscard]] auto just_error(error failure) {
  auto make = [failure = std::move(failure)]() mutable noexcept { return result<T>(std::move(failure)); };
  return detail::just_sender<decltype(make)>{std::move(make)};
}

}  // namespace braid
