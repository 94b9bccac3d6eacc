#pragma once

#include <boost/asio/async_result.hpp>
#include <type_traits>
#include <utility>

#include "braid/asio/detail/asio_operation.hpp"

namespace braid {

/// The completion token that use_braid.on_stop(f) returns.
///
///     template <class F>
///     auto pause(boost::asio::steady_timer& timer, use_braid_stopping<F> token) {
///       return timer.async_wait(std::move(token));
///     }
template <class F>
class use_braid_stopping {
 public:
  use_braid_stopping(std::in_place_t, F on_stop) : on_stop_(std::move(on_stop)) {}
  [[nodiscard]] F take() && { return std::move(on_stop_); }

 private:
  F on_stop_;
};

/// The type of use_braid.
///
///     auto pause(boost::asio::steady_timer& timer, use_braid_t token) { return timer.async_wait(token); }
struct use_braid_t {
  /// Calls f() on the loop's thread when the operation should stop. For Boost older than 1.77, which cannot
  /// cancel a single operation, and to cancel in another way than Asio would.
  ///
  ///     task<> pause_for(boost::asio::steady_timer& timer) {
  ///       co_await timer.async_wait(use_braid.on_stop([&] { timer.cancel(); }));
  ///     }
  template <class F>
  [[nodiscard]] auto on_stop(F&& f) const {
    return use_braid_stopping<std::decay_t<F>>(std::in_place, std::forward<F>(f));
  }
};

/// An Asio completion token: the call returns a braid sender, which begins the operation once it is
/// awaited, in any style.
///
///     task<std::string> line_of(boost::asio::ip::tcp::socket& from) {
///       std::string text;
///       const auto into = boost::asio::dynamic_buffer(text);
///       const std::size_t size = co_await boost::asio::async_read_until(from, into, '\n', use_braid);
///       co_return text.substr(0, size);
///     }
///
/// A leading error_code or exception_ptr becomes the operation's error. Of the other values of the
/// signature none makes void, one itself, several a std::tuple.
///
/// Lifetime  as with any token: the I/O object and the memory of the buffers outlive the operation.
/// Threads   the operation begins on the loop's thread and ends there, whatever thread runs the
///           io_context. The intermediate steps of a composed operation (async_read) run there, too: so
///           an I/O object that one loop uses needs no strand.
/// Errors    the operation's own; failure.code() is Asio's. error::transferred() is the number of bytes if
///           the signature is void(error_code, std::size_t). An operation whose handler is destroyed
///           without a call (with its io_context) fails as operation_canceled.
/// Cancel    a stop request emits cancellation_type::all at the handler's cancellation slot, and the
///           operation ends when Asio says so; it may still succeed. Boost older than 1.77 has no slots:
///           the operation goes on to its end. See on_stop. The loop's end is a stop request, too, and it
///           destroys what waits on a loop_executor; it waits for the operations of an io_context, which
///           must still run then.
/// Cost      two or three blocks of memory, and a delivery between threads for each step on another one.
inline constexpr use_braid_t use_braid{};

}  // namespace braid

namespace boost::asio {

template <class R, class... Args>
class async_result<braid::use_braid_t, R(Args...)> {
 public:
  template <class Initiation, class... Rest>
  static auto initiate(Initiation&& begin, braid::use_braid_t, Rest&&... rest) {
    return braid::detail::asio_operation<braid::detail::emit_on_stop, R(Args...)>(
        {}, std::forward<Initiation>(begin), std::forward<Rest>(rest)...);
  }
};

template <class F, class R, class... Args>
class async_result<braid::use_braid_stopping<F>, R(Args...)> {
 public:
  template <class Initiation, class... Rest>
  static auto initiate(Initiation&& begin, braid::use_braid_stopping<F> token, Rest&&... rest) {
    return braid::detail::asio_operation<F, R(Args...)>(
        std::move(token).take(), std::forward<Initiation>(begin), std::forward<Rest>(rest)...);
  }
};

}  // namespace boost::asio
