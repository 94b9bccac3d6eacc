#pragma once

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <utility>

#include "braid/combine/detail/join_failures.hpp"
#include "braid/core/defer.hpp"
#include "braid/core/detail/inner_receiver.hpp"
#include "braid/core/sender.hpp"
#include "braid/core/stop_token.hpp"
#include "braid/loop/detail/finishes_at_home.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/no_loop_error.hpp"

namespace braid::detail {

// Waits for an element of an ahead_run, or for its close.
template <class T>
class ahead_waiter : pinned {
 public:
  virtual void on_element(result<std::optional<T>> element) noexcept = 0;  // may destroy *this

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
  using element = result<std::optional<T>>;

  // For the handle, and for the waiter.
  void add_reference() noexcept { ++references_; }
  void drop_reference() noexcept {
    hold();
    --references_;
    release();
  }
  void leave() noexcept {
    hold();
    closing_ = true;
    if (waiter_ != nullptr) canceled_ = true;
    stop();
    --references_;
    release();
  }
  void wait(ahead_waiter<T>& waiter, stop_token token, async_frame* frame, bool to_close) noexcept {
    loop* const here = loop::current_or_null();
    if (here == nullptr) return waiter.on_element(no_loop_error(to_close ? "close" : "next"));
    if (abandoned_) return waiter.on_element(canceled());
    if (waiter_ != nullptr)
      return waiter.on_element(misuse_error(to_close ? "close: a next is in flight: stop it, or wait for it"
                                                     : "next: another next is in flight"));
    if (home_ != nullptr && home_ != here)
      return waiter.on_element(
          misuse_error(to_close ? "close: it runs on another loop" : "next: it runs on another loop"));
    if (home_ == nullptr) {
      home_ = here;
      frame_.belong_here();
      home_->operations().adopt(*this);
    }
    waiter_ = &waiter;
    frame_.called_by(frame);
    closing_ = closing_ || to_close;
    waits_for_close_ = to_close;
    hold();
    if (token.stop_possible()) link_.emplace(token, on_stop{this});
    if (closing_)
      stop();
    else if (!stopping())
      ask();
    release();
  }
  void remove(ahead_waiter<T>& waiter) noexcept {
    if (waiter_ == &waiter) waited();
  }

  // For the operations.
  [[nodiscard]] loop* home() const noexcept { return home_; }
  [[nodiscard]] stop_token child_stop_token() noexcept { return stop_.get_token(); }
  [[nodiscard]] async_link* frame() noexcept { return &frame_; }
  void child_begins() noexcept { ++running_; }
  void child_ended() noexcept { --running_; }  // call while held
  [[nodiscard]] bool stopping() const noexcept { return stop_.stop_requested(); }
  /// Records the failure of an operation and stops the others. Call while held.
  void fail(error failure) noexcept {
    failures_.add(std::move(failure), stopping());
    stop();
  }
  /// True when no further element will be taken.
  [[nodiscard]] bool closing() const noexcept { return closing_; }
  [[nodiscard]] bool failed() const noexcept { return failures_.any(); }
  // While held, the run completes no next and does not delete itself.
  void hold() noexcept { ++holds_; }
  void release() noexcept {
    if (holds_ == 1) hand_over_elements();
    if (--holds_ != 0 || references_ != 0 || running_ != 0) return;
    if (!reported_ && failures_.of_clean_up() && home_ != nullptr)
      home_->report_unhandled(std::move(failures_).first(), nullptr);
    delete this;
  }

 protected:
  ahead_run() noexcept = default;
  virtual ~ahead_run() {
    if (linked()) unlink();
  }
  virtual void ask() noexcept = 0;  // starts every operation that may start
  virtual std::optional<result<T>> take() noexcept = 0;  // the next element, if it has arrived
  virtual bool exhausted() const noexcept = 0;  // true when no element can follow
  virtual void clear() noexcept = 0;  // destroys the operations that have not ended

 private:
  struct on_stop {
    ahead_run* self;
    void operator()() const noexcept {
      self->canceled_ = true;
      if (loop::current_or_null() != self->home_) return self->stop();  // resetting link_ waits for this call
      self->hold();
      self->stop();
      self->release();
    }
  };

  void stop() noexcept { stop_.request_stop(); }

  void waited() noexcept {
    link_.reset();
    waiter_ = nullptr;
    frame_.called_by(nullptr);
  }
  void hand_over_elements() noexcept {
    while (waiter_ != nullptr && !abandoned_) {
      std::optional<result<T>> next = closing_ ? std::optional<result<T>>() : take();
      if (!next && running_ != 0) return;
      ahead_waiter<T>& waiter = *waiter_;
      waited();
      waiter.on_element(next ? element_of(*std::move(next)) : end());
    }
  }
  static element element_of(result<T>&& next) noexcept {
    if (!next) return std::move(next).error();  // its move failed
    return capture([&] { return std::optional<T>(std::in_place, *std::move(next)); });
  }
  // Reports a failure once; when closing, only that of a clean-up. After a cancelled next, later ones also
  // fail as cancelled: the end would claim that everything was read.
  element end() noexcept {
    if (failures_.any() && !reported_ && (!closing_ || failures_.of_clean_up())) {
      reported_ = true;
      return std::move(failures_).first();
    }
    if (canceled_ && !waits_for_close_ && (failures_.any() || !exhausted())) return canceled();
    return std::nullopt;
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
  stop_source stop_;
  std::optional<stop_callback<on_stop>> link_;  // to the waiter's stop token
  async_link frame_;  // to the waiting next()
  join_failures failures_;
  bool closing_ = false;  // close was called, or the handle is gone
  bool waits_for_close_ = false;
  bool reported_ = false;  // the failure was
  bool canceled_ = false;  // a next was
  bool abandoned_ = false;
};

// One operation of an ahead_run, which can be started again and again. Derived::kept_of turns the result into
// what is kept while the operation state still exists, since the result may refer to it. Then
// Derived::on_result gets that, while the run is held.
template <class Derived, class T, sender S>
class ahead_child : public finishes_at_home_with<ahead_child<Derived, T, S>, value_of<S>> {
  using value_type = value_of<S>;

 public:
  explicit ahead_child(ahead_run<T>& run) noexcept : run_(run) {}

  /// Starts the sender that make() returns.
  template <class Make>
  void begin(Make make) noexcept {
    run_.child_begins();
    try {
      state_.emplace(elided{[&] { return connect(make(), receiver{this}); }});
    } catch (...) {
      return this->finish(error::current());
    }
    state_->start();
  }
  void clear() noexcept { state_.reset(); }
  static result<value_type> kept_of(result<value_type>&& ended) noexcept { return std::move(ended); }

  // For the operation.
  [[nodiscard]] stop_token child_stop_token() const noexcept { return run_.child_stop_token(); }
  [[nodiscard]] async_frame* frame() const noexcept { return run_.frame(); }
  [[nodiscard]] loop* home() const noexcept { return run_.home(); }
  void on_finish(result<value_type>&& with) noexcept {
    ahead_run<T>& run = run_;
    if (!with) complete_stack(with.error(), *run.frame());
    auto ended = Derived::kept_of(std::move(with));
    run.hold();
    state_.reset();
    run.child_ended();
    static_cast<Derived&>(*this).on_result(std::move(ended));
    run.release();  // *this may be gone then
  }

 private:
  using receiver = inner_receiver<ahead_child, value_type>;

  ahead_run<T>& run_;
  std::optional<connected<S, receiver>> state_;
};

}  // namespace braid::detail
