#pragma once

#include <source_location>
#include <utility>

#include "braid/core/detail/takes_sender.hpp"
#include "braid/loop/detail/run.hpp"
#include "braid/loop/loop.hpp"
#include "braid/style/detail/awaitable_sender.hpp"

namespace braid {

/// The blocking verb: turns this thread's loop until op has ended, then returns op's value or throws its
/// error. A thread without a loop gets one for the call; other work on that loop is cancelled when the call
/// ends.
///
///     log(run(read_file("/etc/hostname")));  // in main, or in a test
///
/// Errors  op's; std::logic_error inside a running loop, where waiting would deadlock; std::system_error if
///         no loop can be made.
/// Cost    op's state is on this stack. Making a loop costs some ten microseconds: for many calls, keep one.
template <sender_or_factory S>
value_of<sender_of<S>> run(S&& op, std::source_location where = std::source_location::current()) {
  if (loop* here = loop::current_or_null()) return here->run(std::forward<S>(op), where);
  loop temporary;
  return temporary.run(std::forward<S>(op), where);
}
template <class X>
  requires(!sender_or_factory<X>)
detail::anything run(X&&) {
  return detail::takes_sender<X>();
}

}  // namespace braid
