#pragma once

#include <type_traits>
#include <utility>

#include "braid/core/detail/argument_sender.hpp"
#include "braid/schedule/detail/abandonable_state.hpp"
#include "braid/schedule/detail/offload_call.hpp"

namespace braid {

/// offload for a function that may hang: when the operation is stopped it ends at once as cancelled, and f
/// runs on to its end on its thread. Its value or exception is destroyed there.
///
///     const auto ask = [](const std::string& path) { return std::filesystem::exists(path); };
///     const bool found = co_await with_timeout(offload_abandonable(ask, std::string("/net/home")), 2s);
///
/// f owns all that it uses: it captures nothing, and its arguments are copied or moved to it. Pointers,
/// std::ref and views are refused at compile time. A std::shared_ptr shares an object, which then must be
/// safe to use from two threads. An f that can be called with a stop_token first gets one, as offload says.
///
/// Lifetime  f must not use static objects that std::exit destroys: it runs on meanwhile, and ends with the
///           process.
/// Threads   as offload. A thread whose f was abandoned does not count any more, so another one may work in
///           its place: up to 256 threads more than BRAID_BLOCKING_THREADS. run_abandonable of an
///           offload_pool keeps its thread until f has ended.
/// Errors    as offload. An exception of an abandoned f is dropped, as those of a lost race are.
/// Cancel    an f that has not begun does not run. One that runs is abandoned, also when its loop ends. If it
///           ends before the stop request arrives, its value is the operation's.
/// Cost      as offload, and a block of the frame pool.
template <class F, class... Arguments>
  requires detail::offloadable<std::decay_t<F>, std::decay_t<Arguments>...>
[[nodiscard]] auto offload_abandonable(F&& f, Arguments&&... arguments) {
  using value = detail::offloaded_value<std::decay_t<F>, std::decay_t<Arguments>...>;
  auto call = detail::keep_owned(std::forward<F>(f), std::forward<Arguments>(arguments)...);
  return detail::argument_sender<detail::abandonable_state, value, detail::offload_place, decltype(call)>{
      {{nullptr, "offload_abandonable"}}, {std::move(call)}};
}

}  // namespace braid
