#pragma once

#include <type_traits>
#include <utility>

#include "braid/core/detail/argument_sender.hpp"
#include "braid/schedule/detail/offload_call.hpp"
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
/// If f can be called with a stop_token in front of the arguments, it gets one. It is stopped when the
/// operation is, so that a long computation can end early:
///
///     const auto count_primes = [](stop_token until, int below) {
///       int found = 0;
///       for (int n = 2; n < below; ++n) {
///         if (until.stop_requested()) error(std::errc::operation_canceled).rethrow();
///         int divisor = 2;
///         while (divisor < n && n % divisor != 0) ++divisor;
///         found += divisor == n;
///       }
///       return found;
///     };
///     log(std::to_string(co_await with_timeout(offload(count_primes, 1'000'000), 1s)));
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
///           cannot be interrupted: its token is stopped, and the operation waits for its end, and so does a
///           loop that ends. Its value is the operation's value also then; one that gives up throws an
///           operation_canceled, as above. A stop_callback of f runs on the loop's thread.
/// Cost      two deliveries between threads, some microseconds; no allocation.
template <class F, class... Arguments>
  requires detail::offloadable<std::decay_t<F>, std::decay_t<Arguments>...>
[[nodiscard]] auto offload(F&& f, Arguments&&... arguments) {
  using value = detail::offloaded_value<std::decay_t<F>, std::decay_t<Arguments>...>;
  auto call = detail::keep_arguments(std::forward<F>(f), std::forward<Arguments>(arguments)...);
  return detail::argument_sender<detail::offload_state, value, detail::offload_place, decltype(call)>{
      {}, {std::move(call)}};
}

}  // namespace braid
