#pragma once

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "braid/base/pinned.hpp"
#include "braid/base/unique_function.hpp"
#include "braid/core/detail/inner_receiver.hpp"
#include "braid/core/sender.hpp"
#include "braid/loop/loop.hpp"
#include "braid/std/detail/execution.hpp"

namespace braid::detail {

template <class T>
struct std_completions {
  using type =
      execution::completion_signatures<execution::set_value_t(T), execution::set_error_t(std::exception_ptr),
                                       execution::set_stopped_t()>;
};
template <>
struct std_completions<void> {
  using type =
      execution::completion_signatures<execution::set_value_t(), execution::set_error_t(std::exception_ptr),
                                       execution::set_stopped_t()>;
};

// A braid operation as an operation state of std::execution.
//
// Threads  start may run on any thread if there is a loop to go to; all else on the loop's.
template <sender S, class R>
class std_operation : pinned {
  using T = value_of<S>;
  using token = execution::stop_token_of_t<execution::env_of_t<R>>;

 public:
  using operation_state_concept = execution::operation_state_t;

  std_operation(loop* there, S&& op, R receiver)
      : there_(there), receiver_(std::move(receiver)), state_(connect(std::move(op), inner{this})) {}

  void start() & noexcept {
    if (there_ == nullptr || loop::current_or_null() == there_) return begin();
    // Whether or not the loop takes it: `begins` calls one of the two.
    try {
      unique_function<void()> begins = beginning(*this);
      (void)loop::post_if_alive(there_, begins);
    } catch (...) {
      execution::set_error(std::move(receiver_), std::current_exception());
    }
  }

 private:
  using inner = inner_receiver<std_operation, T>;
  friend inner;
  // A function that a loop which ends destroys without a call.
  class beginning {
   public:
    explicit beginning(std_operation& self) noexcept : self_(&self) {}
    beginning(beginning&& other) noexcept : self_(std::exchange(other.self_, nullptr)) {}
    beginning& operator=(beginning&&) = delete;
    ~beginning() {
      if (self_ != nullptr) execution::set_stopped(std::move(self_->receiver_));
    }
    void operator()() noexcept { std::exchange(self_, nullptr)->begin(); }

   private:
    std_operation* self_;
  };
  struct on_stop {
    stop_source* source;
    void operator()() const noexcept { source->request_stop(); }
  };

  void begin() noexcept {
    const token outer = execution::get_stop_token(execution::get_env(receiver_));
    if (outer.stop_possible()) registration_.emplace(outer, on_stop{&stop_});
    state_.start();
  }

  // ---- of the braid operation

  void finish(result<T> ended) noexcept {
    registration_.reset();  // waits for a request on another thread
    const loop* const home = loop::current_or_null();
    const bool stopped = stop_.stop_requested() || (home != nullptr && home->ending());
    R receiver = std::move(receiver_);
    if (ended) {
      if constexpr (std::is_void_v<T>)
        execution::set_value(std::move(receiver));
      else
        execution::set_value(std::move(receiver), *std::move(ended));
    } else if (stopped && ended.error() == std::errc::operation_canceled) {
      execution::set_stopped(std::move(receiver));
    } else {
      execution::set_error(std::move(receiver), exception_of(ended.error()));
    }
  }
  [[nodiscard]] stop_token child_stop_token() noexcept {
    return registration_ ? stop_.get_token() : stop_token();
  }
  [[nodiscard]] static async_frame* frame() noexcept { return nullptr; }

  [[nodiscard]] static std::exception_ptr exception_of(const error& failure) noexcept {
    try {
      failure.rethrow();
    } catch (...) {
      return std::current_exception();
    }
  }

  loop* const there_;
  R receiver_;
  stop_source stop_;
  std::optional<execution::stop_callback_for_t<token, on_stop>> registration_;
  connected<S, inner> state_;
};

template <sender S>
class std_sender {
 public:
  using sender_concept = execution::sender_t;
  using completion_signatures = typename std_completions<value_of<S>>::type;

  std_sender(loop* there, S op) : there_(there), op_(std::move(op)) {}

  template <execution::receiver_of<completion_signatures> R>
  auto connect(R receiver) && {
    return std_operation<S, R>(there_, std::move(op_), std::move(receiver));
  }

 private:
  loop* there_;
  S op_;
};

}  // namespace braid::detail
