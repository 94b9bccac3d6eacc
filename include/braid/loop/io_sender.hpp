#pragma once

#include <cerrno>
#include <concepts>
#include <string>
#include <type_traits>
#include <utility>

#include "braid/base/poison.hpp"
#include "braid/core/sender.hpp"
#include "braid/loop/cancellation.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/request.hpp"

namespace braid {

/// The error of a request: its call, its object ("/etc", "127.0.0.1:80") and what the errno says.
[[nodiscard]] error request_error(const char* call, const request& what, int code, std::string object = {});
/// The std::logic_error of an operation that was started on a thread without a loop.
[[nodiscard]] error no_loop_error(const char* call);

/// What an I/O operation makes of its request: the second half of an io_sender.
///
/// name()                   the call, for messages
/// place(request&)          optional: points the request at what the outcome itself holds, now at rest; 0 or an
///                          errno that ends it
/// again(result&, request&)  optional: true when the request, changed, must be submitted once more
/// unstoppable              optional: a constant; the operation ignores stop requests
/// operator()(result, request)  the value of a request that ended well: result >= 0
/// object()                 optional: what the call was made on, for messages
template <class O>
concept io_outcome = std::move_constructible<O> && requires(O& o, std::int32_t ended, const request& what) {
  typename O::value_type;
  { o.name() } -> std::convertible_to<const char*>;
  { o(ended, what) } -> std::convertible_to<result<typename O::value_type>>;
};

namespace detail {

template <io_outcome Outcome, class R>
class io_state final : io_operation, cancellation {
 public:
  using value_type = typename Outcome::value_type;

  io_state(const request& what, Outcome outcome, R receiver)
      : io_operation(ended, what),
        cancellation(cancel, resumed),
        outcome_(std::move(outcome)),
        receiver_(std::move(receiver)) {}

  void start() noexcept {
    home_ = loop::current_or_null();
    if (home_ == nullptr) [[unlikely]]
      return std::move(receiver_).finish(no_loop_error(outcome_.name()));
    const stop_token token = stops();
    if (token.stop_requested()) [[unlikely]]
      return give_up(ECANCELED);
    if constexpr (requires { outcome_.place(request_); })
      if (const int code = outcome_.place(request_)) return give_up(code);
    submit();
    arm(token, *home_);
  }

 private:
  [[nodiscard]] stop_token stops() const noexcept {
    if constexpr (requires { Outcome::unstoppable; })
      return {};
    else
      return receiver_.get_stop_token();
  }
  void give_up(int code) noexcept {
    result_ = -code;
    finish();
  }
  void submit() noexcept {
    if (request_.fills_buffer()) poison(request_.address, request_.length);
    home_->submit(*this);
  }

  static void ended(operation_base& base, completion with) noexcept {
    auto& self = static_cast<io_state&>(static_cast<io_operation&>(base));
    if (self.request_.fills_buffer()) unpoison(self.request_.address, self.request_.length);
    self.result_ = with.result;
    if (self.goes_on()) return self.submit();
    if (self.disarm()) self.finish();
  }

  [[nodiscard]] bool goes_on() noexcept {
    if (result_ == -EINTR) return !requested();
    if constexpr (requires { outcome_.again(result_, request_); }) {
      if (!outcome_.again(result_, request_)) return false;
      if (!requested()) return true;
      result_ = -ECANCELED;
    }
    return false;
  }

  static void cancel(cancellation& base) noexcept {
    auto& self = static_cast<io_state&>(base);
    self.home_->cancel(self);
  }
  static void resumed(cancellation& base) noexcept { static_cast<io_state&>(base).finish(); }

  void finish() noexcept {
    R receiver = std::move(receiver_);
    if (result_ < 0) [[unlikely]]
      return std::move(receiver).finish(failure());
    result<value_type> value = outcome_(result_, request_);
    std::move(receiver).finish(std::move(value));
  }

  [[gnu::cold, gnu::noinline]] error failure() const {
    const int code = requested() && result_ == -EINTR ? ECANCELED : -result_;
    if constexpr (requires { outcome_.object(); })
      return request_error(outcome_.name(), request_, code, outcome_.object());
    else
      return request_error(outcome_.name(), request_, code);
  }

  loop* home_ = nullptr;
  std::int32_t result_ = 0;
  [[no_unique_address]] Outcome outcome_;
  [[no_unique_address]] R receiver_;
};

}  // namespace detail

/// A sender that is one request, and what to make of its completion.
///
/// Lifetime  the memory that the request names stays alive until the operation ends. Under AddressSanitizer a
///           buffer that is read into is poisoned until then.
/// Threads   starts, ends and is told on the current loop's thread.
/// Errors    std::error_code of the request's errno; std::logic_error on a thread without a loop.
/// Cancel    asks the kernel; ends as operation_canceled, or with what it had achieved, never before the kernel
///           is done with the memory. EINTR is tried again, EAGAIN (of O_NONBLOCK descriptors) waited out.
/// Cost      one submission; no allocation.
template <io_outcome Outcome>
struct io_sender {
  using sender_concept = sender_tag;
  static constexpr bool completes_later = true;
  using value_type = typename Outcome::value_type;

  request what;
  [[no_unique_address]] Outcome outcome;

  template <receiver_of<value_type> R>
  auto connect(R receiver) && {
    return detail::io_state<Outcome, R>(what, std::move(outcome), std::move(receiver));
  }
};

}  // namespace braid
