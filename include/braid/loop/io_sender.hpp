#pragma once

#include <utility>

#include "braid/core/sender.hpp"
#include "braid/loop/detail/hooks_of.hpp"
#include "braid/loop/detail/io_operation_for.hpp"
#include "braid/loop/io_outcome.hpp"
#include "braid/loop/request.hpp"

namespace braid {

/// A sender of one request, with an outcome that turns its completion into a value.
///
///     struct flush_outcome {
///       using value_type = void;
///       static constexpr const char* name() noexcept { return "flush"; }
///       result<void> operator()(std::int32_t, const request&) const noexcept { return {}; }
///     };
///     auto flush(int number) {  // a sender of void
///       return io_sender<flush_outcome>{{.code = opcode::fsync, .descriptor = number}, {}};
///     }
///     co_await flush(3);
///
/// Lifetime  the memory that the request names stays alive until the operation ends. Under AddressSanitizer a
///           buffer that is read into is poisoned until then.
/// Threads   starts and finishes on the current loop's thread.
/// Errors    std::error_code of the request's errno; std::logic_error on a thread without a loop.
/// Cancel    asks the kernel. The operation ends as operation_canceled or with what it has achieved, never
///           before the kernel is done with the memory. EINTR is tried again; EAGAIN (of O_NONBLOCK
///           descriptors) waits until the descriptor is ready.
/// Cost      one submission; no allocation.
template <io_outcome Outcome>
struct io_sender {
  using sender_concept = sender_tag;
  static constexpr bool completes_later = true;
  // Its awaiter itself notes the await in the task tracker. If the coroutine did so first, the compiler would
  // forget what it knows of the request, which costs 10 instructions.
  static constexpr bool notes_its_await = true;
  using value_type = typename Outcome::value_type;
  static_assert(detail::hooks_of<Outcome>::checked);

  request what;
  [[no_unique_address]] Outcome outcome;

  template <receiver_of<value_type> R>
  auto connect(R receiver) && {
    return detail::io_state<Outcome, R>(std::move(*this), std::move(receiver));
  }
  // For a coroutine's promise: an awaiter, without an operation state of its own.
  auto awaited_by(auto&) && noexcept { return detail::io_awaiter<Outcome>(*this); }
  // For a fiber: the same.
  template <class Stack>
  value_type waited_on(Stack& stack) && {
    return detail::io_stack_waiter<Outcome, Stack>(*this, stack).wait();
  }
};

}  // namespace braid
