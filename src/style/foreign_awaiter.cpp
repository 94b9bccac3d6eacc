#include "braid/style/detail/foreign_awaiter.hpp"

#include <cerrno>

#include "braid/base/error.hpp"
#include "braid/loop/detail/transfer.hpp"

namespace braid::detail {

namespace {

foreign_relay make_relay(foreign_link&, stop_token) { co_return; }

}  // namespace

void foreign_relay::promise_type::end_wait(bool destroyed) noexcept {
  foreign_link& shared = *std::exchange(link, nullptr);
  if (foreign_wait* waits = shared.waiter.exchange(nullptr, std::memory_order_acq_rel))
    waits->on_relay(destroyed);
  shared.let_go();
}

std::coroutine_handle<foreign_relay::promise_type> foreign_wait::begin(std::coroutine_handle<> awaiting) {
  home_ = loop::current_or_null();
  awaiting_ = awaiting;
  auto* const shared = new foreign_link(*this);
  std::coroutine_handle<foreign_relay::promise_type> relay;
  try {
    relay = make_relay(*shared, stop_).handle;
  } catch (...) {
    delete shared;
    throw;
  }
  link_ = shared;
  starting_ = home_ != nullptr;
  counted_ = counted_ && !home_->ending();
  if (counted_) home_->operations().expect_foreign();
  return relay;
}

// Runs on any thread. If the loop's own thread is still starting the wait, await_suspend then sees by
// has_ended that the wait is over. Without a loop the coroutine resumes on the present thread.
void foreign_wait::on_relay(bool destroyed) noexcept {
  destroyed_ = destroyed;
  if (home_ != nullptr && loop::current_or_null() != home_) return home_->operations().deliver(*this);
  if (starting_) return end();
  go_on();
}

void foreign_wait::on_delivery(operation_base& base, completion) noexcept {
  static_cast<foreign_wait&>(base).go_on();
}

void foreign_wait::go_on() noexcept {
  end();
  if (transfers.running() && transfers.too_deep()) return park(awaiting_);
  resume(awaiting_);
}

void foreign_wait::end() noexcept {
  std::exchange(link_, nullptr)->let_go();
  if (counted_) home_->operations().foreign_ended();
}

// The coroutine is destroyed while it waits. A later resumption of the relay finds no waiter.
void foreign_wait::leave() noexcept {
  if (link_->waiter.exchange(nullptr, std::memory_order_acq_rel) == nullptr)
    home_->operations().withdraw_ready(*this);
  end();
}

void foreign_wait::throw_destroyed() {
  error(std::make_error_code(std::errc::operation_canceled), "co_await").rethrow();
}

}  // namespace braid::detail
