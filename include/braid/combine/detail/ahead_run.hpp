#pragma once

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <utility>

#include "braid/combine/detail/join_failures.hpp"
#include "braid/core/detail/find_mistake.hpp"
#include "braid/core/sender.hpp"
#include "braid/core/stop_token.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/no_loop_error.hpp"

namespace braid::detail {

// Waits for an element of an ahead_run, or for its close.
template <class T>
class ahead_waiter : pinned {
 public:
  virtual void on_element(result<std::optional<T>>&& element) noexcept = 0;  // may destroy *this

 protected:
  ~ahead_waiter() = default;
};

// Operations that keep running between two calls of next, and the one next that may wait. It deletes itself
// once its handle is gone, all operations have ended, and no next waits.
//
// Threads  its home loop's, the loop of its first next. An operation that ends elsewhere is delivered to the
//          home loop first.
template <class T>
class ahead_run : public resident, public pooled {
 public:
  using value_type = T;
  using element = result<std::optional<T>>;

  // For the handle, and for the waiter.
  void add_reference() noexcept { ++references_; }
  void drop_reference() noexcept {
    if (--references_ != 0) return;
    hold();
    release();
  }
  void leave() noexcept {
    hold();
    closing_ = true;
    if (waiter_ != nullptr) canceled_ = true;
    stop(stop_reason::not_needed);
    --references_;
    release();
  }
  void wait(ahead_waiter<T>& waiter, stop_token token, async_frame* frame, bool to_close) noexcept {
    loop* const here = loop::current_or_null();
    if (here != home_ || here == nullptr || waiter_ != nullptr || abandoned_) [[unlikely]] {
      if (!belongs_on(here, waiter, to_close)) return;
    }
    waiter_ = &waiter;
    frame_.called_by(frame);
    waits_for_close_ = to_close;
    closing_ = closing_ || to_close;
    hold();
    if (canceled_ && running_ == 0 && !closing_ && !failures_.any()) [[unlikely]]
      go_on_after_cancellation();
    if (token.stop_possible()) link_.emplace(token, on_stop{this});
    const bool asked = std::exchange(asked_at_once_, false) && running_ != 0;
    if (closing_)
      stop(stop_reason::not_needed);
    else if (!asked && !stopping())
      ask();
    release();
  }
  /// Gives `to` the next element if it arrives within the call. If not, a wait is needed. An element that is
  /// there needs no waiter, and no registration with the stop token.
  bool take_at_once(const stop_token& token, async_frame* frame, element& to) noexcept {
    if (home_ == nullptr || home_ != loop::current_or_null() || waiter_ != nullptr || abandoned_ ||
        closing_ || stopping() || token.stop_requested()) [[unlikely]]
      return false;
    frame_.called_by(frame);
    hold();
    ask();
    const bool taken = !stopping() && take(to);
    asked_at_once_ = !taken;
    frame_.called_by(nullptr);
    release();
    return taken;
  }
  /// Has take_at_once asked in vain, and no wait() begun since?
  [[nodiscard]] bool asked_at_once() const noexcept { return asked_at_once_; }
  void remove(ahead_waiter<T>& waiter) noexcept {
    if (waiter_ == &waiter) waited();
  }

  // For the operations.
  [[nodiscard]] loop* home() const noexcept { return home_; }
  [[nodiscard]] stop_token child_stop_token() noexcept { return stop_->get_token(); }
  [[nodiscard]] async_link* frame() noexcept { return &frame_; }
  void child_begins() noexcept { ++running_; }
  void child_ended() noexcept { --running_; }  // call while held
  [[nodiscard]] bool stopping() const noexcept { return stop_->stop_requested(); }
  /// Records the failure of an operation and stops the others. Call while held.
  void fail(error failure) noexcept {
    const bool stopped = stopping() && !ending_early_;
    if (!stopped && failure == std::errc::operation_canceled) canceled_ = true;
    failures_.add(std::move(failure), stopped);
    stop(stop_reason::sibling_failed);
  }
  template <class Source>
  void on_source_failure(Source&, error failure) noexcept {
    fail(std::move(failure));
  }
  /// True if an operation failed only because a next() was cancelled: it can be asked again later.
  [[nodiscard]] bool cut_short(error& why) noexcept {
    if (!stopping() || ending_early_ || closing_ || failures_.any() || why != std::errc::operation_canceled)
      return false;
    if (!cut_short_) cut_short_ = std::move(why);
    return true;
  }
  /// Stops the operations in flight, because no element can follow. Call while held.
  void end_early() noexcept {
    ending_early_ = true;
    stop(stop_reason::not_needed);
  }
  [[nodiscard]] bool ending_early() const noexcept { return ending_early_; }
  /// True while a next() waits.
  [[nodiscard]] bool awaited() const noexcept { return waiter_ != nullptr && !waits_for_close_; }
  /// True when no further element will be taken.
  [[nodiscard]] bool closing() const noexcept { return closing_; }
  [[nodiscard]] bool failed() const noexcept { return failures_.any(); }
  // The range is gone, so no next will report it.
  [[gnu::cold]] void report_failure() noexcept {
    if (!failures_.of_clean_up()) return find_unseen_error(std::move(failures_).first(), nullptr);
    home_->report_unhandled(std::move(failures_).first(), nullptr);
  }
  // While held, the run completes no next and does not delete itself.
  void hold() noexcept { ++holds_; }
  void release() noexcept {
    if (holds_ == 1) {
      if (waiter_ != nullptr) hand_over_elements();
      if (references_ == 0 && running_ == 0) return end_of_life();
    }
    --holds_;
  }

 protected:
  ahead_run() noexcept = default;
  virtual ~ahead_run() {
    if (linked()) unlink();
  }
  virtual void ask() noexcept = 0;  // starts every operation that may start
  virtual bool take(element& to) noexcept = 0;  // puts the next element into `to`, if it has arrived
  virtual bool exhausted() const noexcept = 0;  // true when no element can follow
  virtual void clear() noexcept = 0;  // destroys the operations that have not ended

  // For take.
  template <class... U>
  [[nodiscard]] bool put(element& to, U&&... value) noexcept {
    try {
      to->emplace(std::forward<U>(value)...);
    } catch (...) {
      fail(error::current());
      return false;
    }
    return true;
  }

 private:
  struct on_stop {
    ahead_run* self;
    void operator()(stop_reason why) const noexcept {
      self->canceled_ = true;
      if (loop::current_or_null() != self->home_)
        return self->stop(why);  // resetting link_ waits for this call
      self->hold();
      self->stop(why);
      self->release();
    }
  };

  void stop(stop_reason why) noexcept { stop_->request_stop(why); }
  // No handle, no waiter and no operation is left.
  [[gnu::noinline]] void end_of_life() noexcept {
    if (!reported_ && failures_.any() && home_ != nullptr) [[unlikely]]
      report_failure();
    delete this;
  }

  void waited() noexcept {
    link_.reset();
    waiter_ = nullptr;
    frame_.called_by(nullptr);
  }
  void hand_over_elements() noexcept {
    while (waiter_ != nullptr && !abandoned_) {
      // A cancelled next() ends once all that it stopped has ended, so that the following one can go on.
      if (running_ != 0 && stopping() && !failures_.any()) return;
      element next(std::nullopt);
      const bool taken = !closing_ && take(next);
      if (!taken && running_ != 0) return;
      ahead_waiter<T>& waiter = *waiter_;
      waited();
      if (!taken) next = end();
      waiter.on_element(std::move(next));
    }
  }
  // Reports a failure once; when closing, only that of a clean-up. A cancelled next() fails as cancelled, and
  // so do later ones if an operation is gone: the end would claim that everything was read.
  element end() noexcept {
    if (failures_.any() && !reported_ && (!closing_ || failures_.of_clean_up())) {
      reported_ = true;
      return std::move(failures_).first();
    }
    if (!canceled_ || waits_for_close_ || (!failures_.any() && exhausted())) return std::nullopt;
    if (!cut_short_) return canceled();
    return *std::exchange(cut_short_, std::nullopt);
  }
  void go_on_after_cancellation() noexcept {
    canceled_ = false;
    cut_short_.reset();
    stop_.emplace();
  }
  // Can the waiter wait here? If not it gets an error.
  [[gnu::noinline]] bool belongs_on(loop* here, ahead_waiter<T>& waiter, bool to_close) noexcept {
    std::optional<error> why;
    if (here == nullptr)
      why = no_loop_error(to_close ? "close" : "next");
    else if (abandoned_)
      why = canceled();
    else if (waiter_ != nullptr)
      why = misuse_error(to_close ? "close: a next is in flight: stop it, or wait for it"
                                  : "next: another next is in flight");
    else if (home_ != nullptr)
      why = misuse_error(to_close ? "close: it runs on another loop" : "next: it runs on another loop");
    if (why) return waiter.on_element(*std::move(why)), false;
    home_ = here;
    frame_.belong_here();
    home_->operations().adopt(*this);
    return true;
  }
  static error canceled() noexcept { return {std::make_error_code(std::errc::operation_canceled), "next"}; }
  void abandon() noexcept override {
    hold();
    abandoned_ = true;
    clear();
    running_ = 0;
    release();
  }

  loop* home_ = nullptr;
  ahead_waiter<T>* waiter_ = nullptr;
  std::size_t references_ = 1;
  std::size_t holds_ = 0;
  std::size_t running_ = 0;
  std::optional<stop_source> stop_{std::in_place};  // a new one after a cancelled next()
  std::optional<stop_callback<on_stop>> link_;  // to the waiter's stop token
  async_link frame_;  // to the waiting next()
  join_failures failures_;
  std::optional<error> cut_short_;  // the end of an operation that a cancelled next() stopped
  bool closing_ = false;  // close was called, or the handle is gone
  bool waits_for_close_ = false;
  bool reported_ = false;  // the failure was
  bool canceled_ = false;  // a next was
  bool ending_early_ = false;
  bool asked_at_once_ = false;
  bool abandoned_ = false;
};

}  // namespace braid::detail
