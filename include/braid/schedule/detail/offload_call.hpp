#pragma once

#include <functional>
#include <type_traits>
#include <utility>

#include "braid/core/sender.hpp"
#include "braid/core/stop_token.hpp"

namespace braid::detail {

/// Is f called with a stop token in front of its arguments? Yes where it can be, as std::jthread does it.
template <class F, class... Arguments>
inline constexpr bool takes_stop_token = std::is_invocable_v<F&, stop_token, Arguments...>;

template <class F, class... Arguments>
concept offloadable = takes_stop_token<F, Arguments...> || std::is_invocable_v<F&, Arguments...>;

template <class F, class... Arguments>
auto call_offloaded(F& f, stop_token until, Arguments&&... arguments) -> decltype(auto) {
  if constexpr (takes_stop_token<F, Arguments...>)
    return std::invoke(f, until, std::forward<Arguments>(arguments)...);
  else
    return std::invoke(f, std::forward<Arguments>(arguments)...);
}

/// What f returns.
template <class F, class... Arguments>
using offloaded_value =
    decltype(call_offloaded(std::declval<F&>(), stop_token(), std::declval<Arguments>()...));

/// The source of the token that a kept call gets. Empty where f takes none.
template <class F, bool = takes_stop_token<F>>
class source_for {
 public:
  [[nodiscard]] stop_token token() noexcept { return source_.get_token(); }
  void request_stop(stop_reason why) noexcept { source_.request_stop(why); }

 private:
  stop_source source_;
};
template <class F>
class source_for<F, false> {
 public:
  [[nodiscard]] static stop_token token() noexcept { return {}; }
  static void request_stop(stop_reason) noexcept {}
};

/// A function of the same kind that has the arguments already, and moves them to f.
template <class F, class... Arguments>
auto keep_arguments(F&& f, Arguments&&... arguments) {
  using function = std::decay_t<F>;
  using value = offloaded_value<function, std::decay_t<Arguments>...>;
  static_assert(!lazy_sender<value>, "offload does not wait for the sender that f returns: run it in f");
  if constexpr (sizeof...(Arguments) == 0) {
    return function(std::forward<F>(f));
  } else if constexpr (takes_stop_token<function, std::decay_t<Arguments>...>) {
    return [f = function(std::forward<F>(f)),
            ... kept = std::decay_t<Arguments>(std::forward<Arguments>(arguments))](
               stop_token until) mutable -> value { return std::invoke(f, until, std::move(kept)...); };
  } else {
    return [f = function(std::forward<F>(f)),
            ... kept = std::decay_t<Arguments>(std::forward<Arguments>(arguments))]() mutable -> value {
      return std::invoke(f, std::move(kept)...);
    };
  }
}

}  // namespace braid::detail
