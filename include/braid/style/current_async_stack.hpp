#pragma once

#include "braid/core/detail/asking_sender.hpp"

namespace braid {

/// A sender that completes at once with the asynchronous stack that led here, from its own await out to
/// the verb: co_await current_async_stack(), or await(current_async_stack()). format_stack prints it.
///
///     log(format_stack(co_await current_async_stack()));
[[nodiscard]] inline auto current_async_stack() noexcept {
  return detail::asking_sender<detail::ask_async_stack>{};
}

}  // namespace braid
