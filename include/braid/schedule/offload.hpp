#pragma once

#include <type_traits>
#include <utility>

#include "braid/core/detail/argument_sender.hpp"
#include "braid/core/sender.hpp"
#include "braid/schedule/detail/offload_state.hpp"

namespace braid {

/// A sender that runs f() on a thread of the blocking pool, and completes on this loop with f's value or
/// exception.
///
///     const std::string image = co_await read_file("/tmp/image");
///     const auto compute = [&] { return std::hash<std::string>()(image); };
///     const std::size_t sum = co_await offload(compute);
///
/// f may itself wait by run(op), future::get or a loop of its own. Meanwhile its thread does not count as
/// working (see blocking_wait).
///
/// Lifetime  f and what it refers to must live until the operation ends. std::exit does not wait for f.
/// Threads   f runs on the blocking pool, where BRAID_BLOCKING_THREADS threads work at a time (default 4),
///           with all signals blocked but those of a fault. The operation ends on the loop's thread.
/// Errors    an exception of f; std::errc::resource_unavailable_try_again if there is no thread for f.
/// Cancel    an f that has not begun does not run, and the operation ends at once as cancelled. A running f
///           cannot be interrupted: the operation waits for its end, and so does a loop that ends.
/// Cost      two deliveries between threads, some microseconds; no allocation.
template <class F>
  requires std::is_invocable_v<std::decay_t<F>&>
[[nodiscard]] auto offload(F&& f) {
  static_assert(!lazy_sender<std::invoke_result_t<std::decay_t<F>&>>,
                "offload does not wait for the sender that f returns: run it in f");
  using value = std::invoke_result_t<std::decay_t<F>&>;
  return detail::argument_sender<detail::offload_state, value, std::decay_t<F>>{{std::forward<F>(f)}};
}

}  // namespace braid
