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
  void start() noexcept { run_.wait(*this, receiver_.get_stop_token(), receiver_.frame(), closes); }

 private:
  void on_element(result<std::optional<T>> element) noexcept override {
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

/// An async_range whose operations run on between two calls of next: what merge and buffered return.
///
/// Lifetime  outlives the senders of next and close that have not begun. Left half-way it stops what is in
///           flight, and does not wait: what that refers to must live until it has ended, or be waited for
///           with close().
/// Threads   one loop's: that of its first next.
/// Errors    the first error stops the others, and is the result of a next once they have ended; then the
///           end. The failure of a clean-up (finally) that nobody can be given any more is that of close(),
///           or goes to the loop's unhandled-error handler.
/// Cancel    stops everything, for good; what comes in spite of that is still given out. Every later next()
///           fails as operation_canceled, since not all has been read.
/// Cost      one block of the frame pool, made when it is called, and one for each operation of buffered that
///           is in flight at once, or range of merge; nothing for each element.
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

  /// A sender of std::optional<T>, empty at the end. One at a time: a second one in flight is a
  /// std::logic_error.
  [[nodiscard]] auto next() { return ahead_sender<T, false>{&run("next: the range was moved from")}; }
  /// A sender of void: stops what is in flight, and completes when all of it has ended. next() is at the end
  /// then. Beside a next in flight it is a std::logic_error.
  [[nodiscard]] auto close() { return ahead_sender<T, true>{&run("close: the range was moved from")}; }

 private:
  ahead_run<T>& run(const char* if_moved_from) const {
    if (run_ == nullptr) throw std::logic_error(if_moved_from);
    return *run_;
  }
  ahead_run<T>* run_;
};

}  // namespace braid::detail
