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
      : io_operation(ended, copy_of(what)), outcome_(std::move(outcome)), receiver_(std::move(receiver)) {}

  void start() noexcept {
    loop* home = loop::current_or_null();
    if (home == nullptr) [[unlikely]]
      return without_loop();
    const stop_token token = stops();
    if (token.stop_requested()) [[unlikely]]
      return give_up(ECANCELED);
    if constexpr (requires { outcome_.place(request_); })
      if (const int code = outcome_.place(request_)) [[unlikely]]
        return give_up(code);
    submit_to(*home);
    arm(token, cancel, resumed);
  }

 private:
  [[nodiscard]] stop_token stops() const noexcept {
    if constexpr (requires { Outcome::unstoppable; })
      return {};
    else
      return receiver_.get_stop_token();
  }
  [[gnu::cold, gnu::noinline]] void without_loop() noexcept {
    std::move(receiver_).finish(no_loop_error(outcome_.name()));
  }
  // Not worth a request, but told in a later turn all the same.
  [[gnu::cold, gnu::noinline]] void give_up(int code) noexcept {
    refused_ = code;
    loop::current().make_ready(*this);
  }
  void submit_to(loop& home) noexcept {
    if (request_.fills_buffer()) poison(request_.address, request_.length);
    home.submit(*this);
  }

  static void ended(operation_base& base, completion with) noexcept {
    auto& self = static_cast<io_state&>(static_cast<io_operation&>(base));
    if (self.request_.fills_buffer()) unpoison(self.request_.address, self.request_.length);
    std::int32_t result = with.result;
    if constexpr (requires { self.outcome_.again(result, self.request_); }) {
      if (self.refused_ == 0 && self.goes_on(result)) return self.submit_to(loop::current());
    }
    if (result < 0 || self.refused_ != 0) [[unlikely]]
      return self.failed(result);
    self.result_ = result;
    if (self.disarm()) [[likely]]
      self.finish();
  }

  [[nodiscard]] bool goes_on(std::int32_t& result) noexcept
    requires requires(Outcome& o, request& what) { o.again(result, what); }
  {
    if (result == -EINTR) return false;  // the same once more: see failed
    if (!outcome_.again(result, request_)) return false;
    if (!requested()) return true;
    result = -ECANCELED;
    return false;
  }

  [[gnu::cold, gnu::noinline]] void failed(std::int32_t result) noexcept {
    if (refused_ != 0) result = -refused_;
    if (result == -EINTR && !requested()) return submit_to(loop::current());
    result_ = result == -EINTR ? -ECANCELED : result;
    if (disarm()) finish_failed();
  }

  static void cancel(cancellation& base) noexcept { loop::current().cancel(static_cast<io_state&>(base)); }
  static void resumed(cancellation& base) noexcept {
    auto& self = static_cast<io_state&>(base);
    if (self.result_ < 0)
      self.finish_failed();
    else
      self.finish();
  }

  void finish() noexcept {
    R receiver = std::move(receiver_);
    std::move(receiver).finish(outcome_(result_, request_));
  }
  void finish_failed() noexcept {
    R receiver = std::move(receiver_);
    if constexpr (requires { outcome_.object(); })
      std::move(receiver).finish(request_error(outcome_.name(), request_, -result_, outcome_.object()));
    else
      std::move(receiver).finish(request_error(outcome_.name(), request_, -result_));
  }

  std::int32_t refused_ = 0;  // an errno
  std::int32_t result_;
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
