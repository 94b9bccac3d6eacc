#pragma once

#include <functional>
#include <type_traits>
#include <utility>

#include "braid/core/detail/argument_sender.hpp"
#include "braid/core/sender.hpp"
#include "braid/schedule/detail/offload_state.hpp"

namespace braid {

/// A sender that runs f(arguments...) on a thread of the blocking pool, and completes on this loop with f's
/// value or exception.
///
///     const auto checksum = [](const std::string& of) { return std::hash<std::string>()(of); };
///     std::string image = co_await read_file("/tmp/image");
///     const std::size_t sum = co_await offload(checksum, std::move(image));
///
/// The arguments are copied or moved into the operation, and moved from there to f, as std::async does it: f
/// takes them by value, by const reference or by rvalue reference, and an object of the caller through
/// std::ref. So f needs no captures, which g++ 12 would destroy twice in a co_await expression
/// (docs/compilers.md).
///
/// f may itself wait by run(op), future::get or a loop of its own. Meanwhile its thread does not count as
/// working (see blocking_wait).
///
/// Lifetime  the operation keeps f and the arguments; what they refer to must live until the operation ends.
///           f must not return a reference to an argument. std::exit does not wait for f.
/// Threads   f runs on the blocking pool, where BRAID_BLOCKING_THREADS threads work at a time (default 4),
///           with all signals blocked but those of a fault. The operation ends on the loop's thread.
/// Errors    an exception of f; std::errc::resource_unavailable_try_again if there is no thread for f.
/// Cancel    an f that has not begun does not run, and the operation ends at once as cancelled. A running f
///           cannot be interrupted: the operation waits for its end, and so does a loop that ends.
/// Cost      two deliveries between threads, some microseconds; no allocation.
template <class F, class... Arguments>
  requires std::is_invocable_v<std::decay_t<F>&, std::decay_t<Arguments>...>
[[nodiscard]] auto offload(F&& f, Arguments&&... arguments) {
  using value = std::invoke_result_t<std::decay_t<F>&, std::decay_t<Arguments>...>;
  static_assert(!lazy_sender<value>, "offload does not wait for the sender that f returns: run it in f");
  if constexpr (sizeof...(Arguments) == 0) {
    return detail::argument_sender<detail::offload_state, value, std::decay_t<F>>{{std::forward<F>(f)}};
  } else {
    auto call = [f = std::decay_t<F>(std::forward<F>(f)),
                 ... kept = std::decay_t<Arguments>(std::forward<Arguments>(arguments))]() mutable -> value {
      return std::invoke(f, std::move(kept)...);
    };
    return detail::argument_sender<detail::offload_state, value, decltype(call)>{{std::move(call)}};
  }
}

}  // namespace braid
