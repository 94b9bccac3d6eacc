#pragma once

#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "braid/combine/detail/ahead_run.hpp"
#include "braid/core/sender.hpp"

namespace braid::detail {

template <class T, class R, bool closes>
class ahead_next_state final : ahead_waiter<T> {
 public:
  ahead_next_state(ahead_run<T>& run, R receiver) noexcept : run_(run), receiver_(std::move(receiver)) {
    run_.add_reference();
  }
  ~ahead_next_state() {
    run_.remove(*this);
    run_.drop_reference();
  }
  void start() noexcept {
    if (!closes && !run_.asked_at_once()) {
      result<std::optional<T>> at_once(std::nullopt);
      if (run_.take_at_once(receiver_.get_stop_token(), receiver_.frame(), at_once))
        return on_element(std::move(at_once));
    }
    run_.wait(*this, receiver_.get_stop_token(), receiver_.frame(), closes);
  }

 private:
  void on_element(result<std::optional<T>>&& element) noexcept override {
    R receiver = std::move(receiver_);
    if constexpr (!closes)
      std::move(receiver).finish(std::move(element));
    else if (element)
      std::move(receiver).finish(result<void>());
    else
      std::move(receiver).finish(std::move(element).error());
  }
  ahead_run<T>& run_;
  R receiver_;
};

template <class T, bool closes>
struct ahead_sender {
  using sender_concept = sender_tag;
  using value_type = std::conditional_t<closes, void, std::optional<T>>;
  ahead_run<T>* run;
  template <receiver_of<value_type> R>
  auto connect(R receiver) && {
    return ahead_next_state<T, R, closes>(*run, std::move(receiver));
  }
};

/// An async_range whose operations keep running between two calls of next: the type of merge, buffered and
/// their like.
///
/// Lifetime  outlives the senders of next and close that were not started. Its destructor stops what is in
///           flight and does not wait: what those operations refer to must live until they have ended;
///           co_await close() to wait for that.
/// Threads   one loop's: the loop of its first next.
/// Errors    the first error stops the other operations and is the result of a next once they have ended;
///           then comes the end. A clean-up (finally) that fails too late for a next is the error of close(),
///           or goes to the loop's unhandled-error handler.
/// Cancel    a cancelled next stops what is in flight, and ends when that has ended. An element that arrives
///           all the same is given, if not by this next(), then by the following one, which goes on where
///           the ranges do. A range that does not go on, as a generator, or an operation that was stopped
///           makes every later next() fail as operation_canceled, because not everything was read.
/// Cost      one block of the frame pool when it is made, and one for each operation in flight (buffered) or
///           each range (merge); nothing for each element.
template <class T>
class [[nodiscard]] running_ahead {
 public:
  explicit running_ahead(ahead_run<T>& run) noexcept : run_(&run) {}
  running_ahead(running_ahead&& other) noexcept : run_(std::exchange(other.run_, nullptr)) {}
  running_ahead& operator=(running_ahead other) noexcept {
    std::swap(run_, other.run_);
    return *this;
  }
  ~running_ahead() {
    if (run_ != nullptr) run_->leave();
  }

  /// A sender of std::optional<T>, empty at the end. A second next() while one is in flight is a
  /// std::logic_error.
  [[nodiscard]] auto next() { return ahead_sender<T, false>{&run("next: the range was moved from")}; }
  // For views: see gives_at_once.
  bool next_at_once(const stop_token& stop, async_frame* frame, result<std::optional<T>>& to) noexcept {
    return run_ != nullptr && run_->take_at_once(stop, frame, to);
  }
  /// A sender of void: stops the operations in flight and completes when all have ended. After that next() is
  /// at the end. While a next is in flight it is a std::logic_error.
  [[nodiscard]] auto close() { return ahead_sender<T, true>{&run("close: the range was moved from")}; }

 protected:
  [[nodiscard]] ahead_run<T>& run(const char* if_moved_from) const {
    if (run_ == nullptr) throw std::logic_error(if_moved_from);
    return *run_;
  }

 private:
  ahead_run<T>* run_;
};

}  // namespace braid::detail
