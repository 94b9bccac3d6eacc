#pragma once

#include <boost/asio/async_result.hpp>
#include <concepts>
#include <memory>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>

#include "braid/asio/detail/asio_error.hpp"
#include "braid/asio/detail/has_slots.hpp"
#include "braid/asio/loop_executor.hpp"
#include "braid/schedule/from_callback.hpp"

#if BRAID_ASIO_HAS_SLOTS
#include <boost/asio/cancellation_signal.hpp>
#endif

namespace braid::detail {

// Of use_braid without on_stop: Asio itself cancels the operation.
struct emit_on_stop {};

#if BRAID_ASIO_HAS_SLOTS
// Shared by the operation and its handler, either of which may end first.
using shared_signal = std::shared_ptr<boost::asio::cancellation_signal>;
#else
using shared_signal = std::nullptr_t;
#endif

// An operation that begins on this thread. If its handler is destroyed within that, by an exception, the
// exception is the operation's error.
class beginning_scope : pinned {
 public:
  explicit beginning_scope(const void* operation) noexcept : operation_(operation) {}
  ~beginning_scope() { innermost_ = outer_; }
  [[nodiscard]] bool dropped() const noexcept { return dropped_; }
  // True if the operation begins on this thread.
  [[nodiscard]] static bool note_drop(const void* operation) noexcept {
    for (beginning_scope* each = innermost_; each != nullptr; each = each->outer_)
      if (each->operation_ == operation) return each->dropped_ = true;
    return false;
  }

 private:
  static constinit thread_local inline beginning_scope* innermost_ = nullptr;
  const void* operation_;
  beginning_scope* outer_ = std::exchange(innermost_, this);
  bool dropped_ = false;
};

// A handler's view of its operation. The operation exists until the handler has been called or destroyed.
struct asio_origin {
  const void* operation;
  const char* call;
  [[nodiscard]] error canceled() const noexcept {
    return error(std::make_error_code(std::errc::operation_canceled), call);
  }
};

// The handler that Asio gets. Destroyed without a call, it ends the operation.
template <class T>
class braid_handler {
 public:
  braid_handler(callback_done<T> done, loop_executor home, asio_origin origin, shared_signal signal) noexcept
      : done_(std::move(done)), home_(home), origin_(origin), signal_(std::move(signal)) {}
  braid_handler(braid_handler&& other) noexcept
      : done_(std::move(other.done_)),
        home_(other.home_),
        origin_(other.origin_),
        signal_(std::move(other.signal_)),
        waits_(std::exchange(other.waits_, false)) {}
  braid_handler& operator=(braid_handler&&) = delete;
  ~braid_handler() {
    if (waits_ && !beginning_scope::note_drop(origin_.operation)) done_(origin_.canceled());
  }

  using executor_type = loop_executor;
  [[nodiscard]] executor_type get_executor() const noexcept { return home_; }
#if BRAID_ASIO_HAS_SLOTS
  using cancellation_slot_type = boost::asio::cancellation_slot;
  [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept {
    return signal_ == nullptr ? cancellation_slot_type() : signal_->slot();
  }
#endif

  template <class... Args>
  void operator()(Args&&... args) {
    waits_ = false;
    complete_asio<T>(done_, origin_.call, std::forward<Args>(args)...);
  }

 private:
  callback_done<T> done_;
  loop_executor home_;
  asio_origin origin_;
  [[no_unique_address]] shared_signal signal_;
  bool waits_ = true;
};

// Begins the operation; the function of its from_callback.
template <class T, class OnStop, class Initiation, class... Rest>
class asio_beginning {
 public:
  template <class I, class... Given>
  asio_beginning(OnStop on_stop, I&& begin, Given&&... rest)
      : on_stop_(std::move(on_stop)), begin_(std::forward<I>(begin)), rest_(std::forward<Given>(rest)...) {}

  auto operator()(callback_done<T> done) {
    if constexpr (!std::same_as<OnStop, emit_on_stop>) {
      begin(std::move(done), {});
      return std::move(on_stop_);
    } else {
#if BRAID_ASIO_HAS_SLOTS
      auto signal = std::make_shared<boost::asio::cancellation_signal>();
      begin(std::move(done), signal);
      return [signal = std::move(signal)] { signal->emit(boost::asio::cancellation_type::all); };
#else
      begin(std::move(done), {});
      return [] {};  // the operation ends by itself
#endif
    }
  }

 private:
  void begin(callback_done<T> done, shared_signal signal) {
    const asio_origin origin{this, asio_call<Initiation>::name};
    const beginning_scope scope(this);
    std::apply(
        [&](Rest&... rest) {
          const loop_executor home = loop_executor(loop::current()).of_operation();
          std::move(begin_)(braid_handler<T>(done, home, origin, std::move(signal)), std::move(rest)...);
        },
        rest_);
    if (scope.dropped()) done(origin.canceled());
  }

  [[no_unique_address]] OnStop on_stop_;
  Initiation begin_;
  std::tuple<Rest...> rest_;
};

// The sender that a call with use_braid returns.
template <class OnStop, class Signature, class Initiation, class... Rest>
auto asio_operation(OnStop on_stop, Initiation&& begin, Rest&&... rest) {
  using T = asio_value<Signature>;
  using beginning = asio_beginning<T, OnStop, std::decay_t<Initiation>, std::decay_t<Rest>...>;
  return from_callback<T>(
      beginning(std::move(on_stop), std::forward<Initiation>(begin), std::forward<Rest>(rest)...));
}

}  // namespace braid::detail
