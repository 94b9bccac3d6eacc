#pragma once

#include <exception>
#include <memory>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>

#include "braid/base/error.hpp"
#include "braid/base/pinned.hpp"
#include "braid/schedule/from_callback.hpp"
#include "braid/std/detail/execution.hpp"

namespace braid::detail {

// The environment that a braid operation gives to the sender of std::execution that it runs.
struct std_environment {
  execution::inplace_stop_token token;
  [[nodiscard]] execution::inplace_stop_token query(execution::get_stop_token_t) const noexcept {
    return token;
  }
};

template <class... Values>
struct std_values {
  using type = std::tuple<std::decay_t<Values>...>;
};
template <class Value>
struct std_values<Value> {
  using type = std::decay_t<Value>;
};
template <>
struct std_values<> {
  using type = void;
};
template <class... Signatures>
struct std_only_value {
  static_assert(sizeof...(Signatures) < 2,
                "from_std_sender: the sender has several set_value signatures; make one of them by "
                "stdexec::into_variant");
  using type = void;  // of a sender that never completes with a value
};
template <class Values>
struct std_only_value<Values> : Values {};
template <class S>
using std_value = typename execution::value_types_of_t<S, std_environment, std_values, std_only_value>::type;

inline error std_failure(std::exception_ptr failure) noexcept { return error(std::move(failure)); }
inline error std_failure(error failure) noexcept { return failure; }
inline error std_failure(std::error_code failure) noexcept { return error(failure, "from_std_sender"); }
template <class E>
error std_failure(E&& failure) noexcept {
  return error(std::make_exception_ptr(std::forward<E>(failure)));
}

// The operation of std::execution inside a braid operation. It is destroyed with that one, on its loop's
// thread.
template <class S>
class std_run : pinned {
  using T = std_value<S>;
  struct receiver {
    using receiver_concept = execution::receiver_t;
    std_run* self;

    template <class... Values>
    void set_value(Values&&... values) && noexcept {
      const callback_done<T> done = std::move(self->done_);  // *self may be gone before done returns
      try {
        if constexpr (std::is_void_v<T>)
          done();
        else
          done(T(std::forward<Values>(values)...));
      } catch (...) {
        done(error::current());
      }
    }
    template <class E>
    void set_error(E&& failure) && noexcept {
      const callback_done<T> done = std::move(self->done_);
      done(std_failure(std::forward<E>(failure)));
    }
    void set_stopped() && noexcept {
      const callback_done<T> done = std::move(self->done_);
      done(error(std::make_error_code(std::errc::operation_canceled), "from_std_sender"));
    }
    [[nodiscard]] std_environment get_env() const noexcept { return {self->stop_.get_token()}; }
  };

 public:
  std_run(S&& op, callback_done<T> done)
      : done_(std::move(done)), operation_(execution::connect(std::move(op), receiver{this})) {}
  void start() noexcept { execution::start(operation_); }
  void request_stop() noexcept { stop_.request_stop(); }

 private:
  callback_done<T> done_;
  execution::inplace_stop_source stop_;
  execution::connect_result_t<S, receiver> operation_;
};

// Begins such an operation; the function of its from_callback. It returns what cancels and owns it.
template <class S>
class std_beginning {
 public:
  explicit std_beginning(S op) : op_(std::move(op)) {}
  auto operator()(callback_done<std_value<S>> done) {
    auto run = std::make_unique<std_run<S>>(std::move(op_), std::move(done));
    run->start();
    return [run = std::move(run)] { run->request_stop(); };
  }

 private:
  S op_;
};

}  // namespace braid::detail
