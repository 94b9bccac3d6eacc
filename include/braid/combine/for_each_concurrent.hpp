#pragma once

#include <cstddef>
#include <utility>

#include "braid/combine/detail/concurrent.hpp"

namespace braid {

namespace detail {

struct nothing_kept {
  using value_type = void;
  static constexpr bool settles = false;
  void begun(std::size_t) noexcept {}
  template <class T>
  void keep(std::size_t, result<T>&&) noexcept {}
  void take() noexcept {}
};

template <class T>
struct for_each_outcome : nothing_kept {
  static constexpr const char* name = "for_each_concurrent";
};

}  // namespace detail

/// fn(element) for each element of a range, at most `limit` of these operations at once; completes with void.
///
/// The range, which may be lazy, asynchronous or without an end, moves on only when there is room for one
/// more operation. An element of a container stays where it is, and fn gets a reference to it, to an rvalue
/// where the container was moved in; any other is kept beside its operation, and fn gets it as an rvalue.
///
/// Lifetime  a range that is an lvalue outlives the operation. fn, and each element until its operation has
///           ended, are kept: both may be referred to by a coroutine that fn is.
/// Errors    the first one stops the others, and is given once they have ended; what failed meanwhile is in
///           its suppressed(). What fn throws is that element's error; what the range throws, or fails with,
///           is one too. std::invalid_argument for a limit of 0.
/// Cancel    stops all, waits for all; operation_canceled where the end of the range had not been reached. An
///           element that an asynchronous range still gives then is dropped.
/// Cost      a recycled piece of memory for each operation that runs at once. What ends at once is a loop,
///           which lets others have their turn now and then.
template <class Range, detail::operation_for<Range> F>
[[nodiscard]] auto for_each_concurrent(Range&& range, std::size_t limit, F&& fn) {
  return detail::walk_concurrently<detail::for_each_outcome>(std::forward<Range>(range), limit,
                                                             std::forward<F>(fn));
}
template <class Range, class F>
  requires(!detail::operation_for<F, Range>)
detail::anything for_each_concurrent(Range&&, std::size_t, F&&) {
  return detail::walks_range<Range, F>();
}

}  // namespace braid
