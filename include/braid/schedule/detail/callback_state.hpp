#pragma once

#include <concepts>
#include <optional>
#include <system_error>
#include <type_traits>
#include <utility>

#include "braid/core/sender.hpp"
#include "braid/loop/cancellation.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/no_loop_error.hpp"
#include "braid/schedule/detail/callback_link.hpp"

namespace braid::detail {

// The return type of a from_callback's function: void, or a function that cancels.
template <class F, class T>
using canceller_of = std::decay_t<std::invoke_result_t<F&, callback_done<T>>>;
template <class C>
concept canceller = std::is_void_v<C> || (std::move_constructible<C> && std::invocable<C&>);
template <class C>
using kept_canceller = std::conditional_t<std::is_void_v<C>, bool, std::optional<C>>;

template <class T, class F, class R>
class callback_state final : outside_work, callback_waiter, cancellation {
  using canceller_type = canceller_of<F, T>;

 public:
  callback_state(F f, R receiver) : f_(std::move(f)), receiver_(std::move(receiver)) {}
  ~callback_state() {
    if (link_ == nullptr) return;
    link_->leave();
    cancellation::drop();
    end_work();
    link_->drop();
  }

  void start() noexcept {
    home_ = loop::current_or_null();
    if (home_ == nullptr) [[unlikely]]
      return std::move(receiver_).finish(no_loop_error(name));
    if (home_->ending() || receiver_.get_stop_token().stop_requested()) [[unlikely]]
      return std::move(receiver_).finish(canceled());
    try {
      link_ = new callback_link<T>(*home_, *this);
    } catch (...) {
      return std::move(receiver_).finish(error::current());
    }
    home_->operations().begin_outside(*this);
    begin();
    if (link_->started()) return finish();
    arm<on_stop, on_late_stop>(receiver_.get_stop_token());
  }

 private:
  static constexpr const char* name = "from_callback";
  static error canceled() noexcept {
    return error(std::make_error_code(std::errc::operation_canceled), name);
  }

  void begin() noexcept {
    const callback_done<T> done(*link_);  // keeps f's own copy from being the last one if f throws
    try {
      if constexpr (std::is_void_v<canceller_type>)
        f_(done);
      else
        cancel_.emplace(f_(done));
    } catch (...) {
      link_->complete(error::current());
    }
  }

  // Asks the API to end, or ends the operation without it. Called by a stop request and by the loop's end.
  void stop() noexcept override {
    if (std::exchange(stopped_, true) || link_->decided()) return;
    if constexpr (!std::is_void_v<canceller_type>) {
      if (cancel_) {
        try {
          if constexpr (std::is_same_v<std::invoke_result_t<canceller_type&>, bool>) {
            if (!(*cancel_)()) return;
          } else {
            (*cancel_)();
            return;
          }
        } catch (...) {
          link_->complete(error::current());
          return;
        }
      }
    }
    link_->complete(canceled());
  }
  static void on_stop(cancellation& base) noexcept { static_cast<callback_state&>(base).stop(); }

  void on_completion() noexcept override {
    if (disarm()) finish();
  }
  static void on_late_stop(cancellation& base) noexcept { static_cast<callback_state&>(base).finish(); }

  void end_work() noexcept { home_->operations().end_outside(*this); }
  void finish() noexcept {
    end_work();
    R receiver = std::move(receiver_);
    result<T> ended = std::exchange(link_, nullptr)->take();
    std::move(receiver).finish(std::move(ended));
  }

  F f_;
  R receiver_;
  loop* home_ = nullptr;
  callback_link<T>* link_ = nullptr;  // from start until the operation finishes
  bool stopped_ = false;
  [[no_unique_address]] kept_canceller<canceller_type> cancel_{};
};

template <class T, class F>
struct callback_sender {
  using sender_concept = sender_tag;
  using value_type = T;
  F f;
  template <receiver_of<T> R>
  auto connect(R receiver) && {
    return callback_state<T, F, R>(std::move(f), std::move(receiver));
  }
};

}  // namespace braid::detail
