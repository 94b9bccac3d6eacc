#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <memory>
#include <optional>
#include <system_error>
#include <type_traits>
#include <utility>

#include "braid/asio/detail/has_slots.hpp"
#include "braid/base/pinned.hpp"
#include "braid/base/result.hpp"
#include "braid/base/unique_function.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/loop/loop.hpp"
#include "braid/style/start.hpp"

#if BRAID_ASIO_HAS_SLOTS
#include <boost/asio/associated_cancellation_slot.hpp>
#endif

namespace braid::detail {

template <class T>
struct start_on_signature {
  using type = void(std::exception_ptr, T);
};
template <>
struct start_on_signature<void> {
  using type = void(std::exception_ptr);
};

// An Asio handler that waits for an operation of a loop. It keeps the handler's executor busy, and
// requests stop when the handler is cancelled. Destroyed without a result, it completes the handler with
// a cancellation.
template <class T, class Handler>
class start_on_waiter : pinned {
  using executor = boost::asio::associated_executor_t<Handler>;

 public:
  explicit start_on_waiter(Handler handler) : waits_(std::in_place, std::move(handler)) {
#if BRAID_ASIO_HAS_SLOTS
    auto slot = boost::asio::get_associated_cancellation_slot(waits_->handler);
    if (slot.is_connected())
      slot.assign([stop = waits_->stop](boost::asio::cancellation_type) { stop->request_stop(); });
#endif
  }
  ~start_on_waiter() {
    if (!waits_) return;
    try {
      complete_later(error(std::make_error_code(std::errc::operation_canceled), "start_on"));
    } catch (...) {
      return;  // no memory: the handler is destroyed without a call
    }
  }

  [[nodiscard]] stop_token get_stop_token() const noexcept { return waits_->stop->get_token(); }

  // The call that began it throws, so the handler is not called.
  void give_up() noexcept { waits_.reset(); }

  // On the handler's executor; at once if this is it.
  void complete(result<T>&& ended) {
    const executor on = waits_->work.get_executor();
    boost::asio::dispatch(on, call_with(std::move(ended)));
  }
  void complete_later(result<T>&& ended) {
    const executor on = waits_->work.get_executor();
    boost::asio::post(on, call_with(std::move(ended)));
  }

 private:
  struct waiting {
    explicit waiting(Handler&& to)
        : handler(std::move(to)), work(boost::asio::get_associated_executor(handler)) {}
    Handler handler;
    boost::asio::executor_work_guard<executor> work;
    std::shared_ptr<stop_source> stop = std::make_shared<stop_source>();
  };

  auto call_with(result<T>&& ended) {
    waiting waits = *std::move(waits_);
    waits_.reset();
    return [waits = std::move(waits), ended = std::move(ended)]() mutable {
#if BRAID_ASIO_HAS_SLOTS
      boost::asio::get_associated_cancellation_slot(waits.handler).clear();
#endif
      Handler handler = std::move(waits.handler);
      if constexpr (std::is_void_v<T>)
        std::move(handler)(exception_of(ended));
      else if (ended)
        std::move(handler)(std::exception_ptr(), *std::move(ended));
      else
        std::move(handler)(exception_of(ended), T());
    };
  }
  static std::exception_ptr exception_of(const result<T>& ended) {
    if (ended) return nullptr;
    try {
      ended.error().rethrow();
    } catch (...) {
      return std::current_exception();
    }
  }

  std::optional<waiting> waits_;
};

template <class T>
struct start_on_initiation {
  loop* there;

  template <class Handler, class S>
  void operator()(Handler&& handler, S op) const {
    using waiter = start_on_waiter<T, std::decay_t<Handler>>;
    auto waits = std::make_shared<waiter>(std::forward<Handler>(handler));
    try {
      unique_function<void()> begin = [waits, op = std::move(op)]() mutable {
        stop_token token = waits->get_stop_token();
        try {
          start(with_stop_token(std::move(op), token),
                [waits](result<T> ended) { waits->complete(std::move(ended)); });
        } catch (...) {
          waits->complete(error::current());
        }
      };
      // If the loop has ended, or is ending on this thread, `begin` is destroyed, and the handler gets a
      // cancellation.
      (void)loop::post_if_alive(there, begin);
    } catch (...) {
      waits->give_up();
      throw;
    }
  }
};

}  // namespace braid::detail
