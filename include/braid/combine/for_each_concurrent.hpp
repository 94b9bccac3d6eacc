#pragma once

#include <cstddef>
#include <utility>

#include "braid/combine/detail/concurrent.hpp"
#include "braid/combine/detail/walk_outcome.hpp"

namespace braid {

/// Runs fn(element) for each element of a range, at most `limit` of these operations at once; completes with
/// void.
///
///     const std::vector<std::string> pages{"one", "two", "three"};
///     const auto print = [](const std::string& page) -> task<> { log(co_await fetch(page)); };
///     co_await for_each_concurrent(pages, 2, print);  // two at a time
///
/// The range may be lazy, asynchronous or endless: it moves on only when there is room for one more
/// operation. An element of a container stays in the container, and fn gets a reference to it (an rvalue
/// reference if the container was moved in). Any other element is kept beside its operation, and fn gets it
/// as an rvalue.
///
/// Lifetime  a range that is an lvalue outlives the operation. fn is kept until the end, and each element
///           until its operation has ended, so a coroutine `fn` may refer to its captures and to its element.
/// Errors    the first error stops the other operations and is reported once they have ended; later errors
///           are in its suppressed(). An exception of fn is the error of its element; an exception or an
///           error of the range counts likewise. std::invalid_argument for a limit of 0.
/// Cancel    stops all, waits for all; operation_canceled if the end of the range was not reached. An element
///           that an asynchronous range gives after the stop request is dropped.
/// Cost      one block of the frame pool for each operation that runs at once. Operations that end at once
///           run in a loop, which yields to other operations now and then.
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
