#pragma once

#include <coroutine>
#include <utility>

#include "braid/core/sender.hpp"
#include "braid/loop/detail/transfer.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/no_loop_error.hpp"

namespace braid::detail {

[[gnu::cold, gnu::noinline]] inline error yield_canceled() {
  return error(std::make_error_code(std::errc::operation_canceled), "yield");
}

template <class R>
class yield_state final : operation_base {
 public:
  explicit yield_state(R receiver) noexcept : operation_base(on_finish), receiver_(std::move(receiver)) {}
  void start() noexcept {
    if (loop* home = loop::current_or_null()) [[likely]]
      return home->operations().make_ready(*this);
    std::move(receiver_).finish(no_loop_error("yield"));
  }

 private:
  static void on_finish(operation_base& base, completion with) noexcept {
    R receiver = std::move(static_cast<yield_state&>(base).receiver_);
    if (with.result < 0 || receiver.get_stop_token().stop_requested()) [[unlikely]]
      return std::move(receiver).finish(yield_canceled());
    std::move(receiver).finish(result<void>());
  }
  R receiver_;
};

// Queues a coroutine as ready without an operation state, because no operation in braid is more frequent.
template <class Promise>
class yield_awaiter final : operation_base {
 public:
  explicit yield_awaiter(const Promise& promise) noexcept : operation_base(on_finish), promise_(promise) {}
  [[nodiscard]] bool await_ready() const {
    if (loop::current_or_null() == nullptr) [[unlikely]]
      no_loop_error("yield").rethrow();
    return false;
  }
  void await_suspend(std::coroutine_handle<> awaiting) noexcept {
    awaiting_ = awaiting.address();
    loop::current_or_null()->operations().make_ready(*this);
  }
  void await_resume() const {
    if (awaiting_ == nullptr || promise_.get_stop_token().stop_requested()) [[unlikely]]
      yield_canceled().rethrow();
  }

 private:
  // Not noexcept, so that the resumption can be a tail call.
  static void on_finish(operation_base& base, completion with) {
    auto& self = static_cast<yield_awaiter&>(base);
    void* const awaiting = self.awaiting_;
    if (with.result < 0) [[unlikely]]
      self.awaiting_ = nullptr;
    std::coroutine_handle<>::from_address(awaiting).resume();
  }
  const Promise& promise_;
  void* awaiting_;  // no coroutine_handle, since that would be set to null first; null once the loop ends
};

struct yield_sender {
  using sender_concept = sender_tag;
  using value_type = void;
  static constexpr bool completes_later = true;
  template <receiver_of<void> R>
  auto connect(R receiver) && noexcept {
    return yield_state<R>(std::move(receiver));
  }
  template <class Promise>
  yield_awaiter<Promise> awaited_by(Promise& promise) && noexcept {
    return yield_awaiter<Promise>(promise);
  }
};

}  // namespace braid::detail
