#pragma once

#include <type_traits>
#include <utility>

#include "braid/schedule/from_callback.hpp"
#include "braid/std/detail/execution.hpp"

#if BRAID_HAS_STD_EXECUTION
#include "braid/std/detail/from_std_run.hpp"

namespace braid {

/// Makes a braid operation of a sender of std::execution.
///
///     auto sum = stdexec::just(1, 2) | stdexec::then([](int a, int b) { return a + b; });
///     use(co_await from_std_sender(std::move(sum)));
///
/// The sender has one set_value signature: without values it is void, with one T, with several a std::tuple.
/// Use stdexec::into_variant where there are more.
///
/// Lifetime  the sender is kept until it is connected, its operation until the braid operation has ended.
/// Threads   begins on the loop's thread; it may complete on any thread, and ends on the loop's.
/// Errors    a std::exception_ptr, a std::error_code or a braid::error as such; anything else as an
///           exception of its type.
/// Cancel    the environment has a stop token that passes stop requests on, and so does the loop's end. The
///           operation ends when the sender completes; set_stopped() is operation_canceled.
/// Cost      two blocks of memory; a delivery between threads if it completes on another one.
template <detail::execution::sender S>
[[nodiscard]] auto from_std_sender(S&& op) {
  using kept = std::decay_t<S>;
  return from_callback<detail::std_value<kept>>(detail::std_beginning<kept>(std::forward<S>(op)));
}

}  // namespace braid

#endif
