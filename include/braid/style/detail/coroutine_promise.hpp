#pragma once

#include <concepts>
#include <coroutine>
#include <cstdint>
#include <source_location>
#include <type_traits>
#include <utility>

#include "braid/base/detail/frame_pool.hpp"
#include "braid/core/async_stack.hpp"
#include "braid/core/defer.hpp"
#include "braid/core/detail/inner_receiver.hpp"
#include "braid/core/detail/takes_sender.hpp"
#include "braid/core/sender.hpp"
#include "braid/core/stop_token.hpp"
#include "braid/loop/detail/task_tracker.hpp"
#include "braid/loop/detail/transfer.hpp"
#include "braid/loop/loop.hpp"
#include "braid/style/detail/foreign_awaiter.hpp"
#include "braid/style/detail/late_result.hpp"

namespace braid::detail {

class coroutine_promise;

// Awaits any sender in a coroutine. The operation state lives in the coroutine frame. Without a loop even a
// sender with completes_later fails within start(), and so resumes the coroutine within its await_suspend.
// C++ allows that, and such misuse is too rare for the nested calls to matter.
template <sender S>
class sender_awaiter {
  using value_type = value_of<S>;

 public:
  static constexpr bool is_await = true;
  sender_awaiter(S&& op, coroutine_promise& promise)
      : promise_(promise), state_(connect(std::move(op), receiver{this})) {}
  sender_awaiter(const sender_awaiter&) = delete;
  sender_awaiter& operator=(const sender_awaiter&) = delete;

  [[nodiscard]] bool await_ready() const noexcept { return false; }

  void await_suspend(std::coroutine_handle<> awaiting) noexcept
    requires completes_later<S>
  {
    awaiting_ = awaiting;
    state_.start();
  }
  bool await_suspend(std::coroutine_handle<> awaiting) noexcept
    requires(!completes_later<S>)
  {
    awaiting_ = awaiting;
    inline_start scope(this);
    state_.start();
    return !scope.completed();
  }

  value_type await_resume() { return std::move(ended_).value(); }

  // For the operation.
  void finish(result<value_type>&& with) noexcept {
    ended_.set(std::move(with));
    if constexpr (completes_later<S>)
      return awaiting_.resume();  // the loop is the caller and runs what the coroutine parks
    if (!inline_start::mark_completed(this)) park(awaiting_);
  }
  [[nodiscard]] stop_token child_stop_token() const noexcept;
  [[nodiscard]] async_frame* frame() const noexcept;

 private:
  using receiver = inner_receiver<sender_awaiter, value_type>;

  coroutine_promise& promise_;
  std::coroutine_handle<> awaiting_;
  late_result<value_type> ended_;
  connected<S, receiver> state_;
};

// The awaiter of a co_await that does not compile.
struct awaits_anything {
  static bool await_ready() { return true; }
  static void await_suspend(std::coroutine_handle<>) {}
  static anything await_resume() { return {}; }
};

/// The base of every braid coroutine's promise: a frame of the asynchronous stack, with the stop token that
/// its awaits inherit.
///
/// Threads  belongs to the loop on which it was awaited, its home. resume_on may take it elsewhere meanwhile;
///          the home loop counts that as its work.
/// Cost     32 bytes. Coroutine frames are blocks of the frame pool.
class coroutine_promise : public pooled_frame, pinned {
 public:
  /// Awaits a sender, as an rvalue unless it is awaited by copy, or a function that returns one. The sender
  /// gets the coroutine's stop token.
  template <sender_or_factory S>
    requires(!awaitable<S>)
  auto await_transform(S&& op, std::source_location where = std::source_location::current()) {
    static_assert(!std::is_lvalue_reference_v<S> || !sender<S> || awaited_by_copy<S>,
                  "co_await uses the sender up: write co_await std::move(op)");
    frame_.waits_at(where);
    if constexpr (!requires { requires std::remove_cvref_t<S>::notes_its_await; }) note_await();
    if constexpr (requires { std::move(op).awaited_by(*this); })
      return std::move(op).awaited_by(*this);
    else
      return sender_awaiter<sender_of<S>>(as_sender(std::forward<S>(op)), *this);
  }
  /// Awaits an object that brings its own awaiter. The coroutine resumes on the loop that it awaited on,
  /// whichever thread resumes it; its home loop counts the wait as its work. At that loop's end the awaitable
  /// is destroyed, and a later resumption does nothing. An awaitable that destroys its handle cancels the
  /// await.
  template <awaitable A>
  foreign_awaiter<A> await_transform(A&& other,
                                     std::source_location where = std::source_location::current()) {
    frame_.waits_at(where);
    note_await();
    const bool at_home = home() != nullptr && !is_away() && home() == loop::current_or_null();
    return {std::forward<A>(other), stop_, at_home};
  }
  /// Rejects anything else, with the remedy.
  template <class X>
    requires(!sender_or_factory<X>)
  auto await_transform(X&&) {
    takes_sender<X>();
    return awaits_anything();
  }

  [[nodiscard]] stop_token get_stop_token() const noexcept { return stop_; }
  [[nodiscard]] async_frame* frame() noexcept { return &frame_; }

  /// Called by the waiter before the coroutine begins.
  void inherit(stop_token stop, async_frame* parent) noexcept {
    stop_ = stop;
    frame_.called_by(parent);
    home_ = as_word(loop::current_or_null());
    if (task_tracker::tracks_here()) [[unlikely]]
      begin_tracked();
  }
  /// Called by a coroutine that awaits this one, whose await it notes as well.
  void inherit(coroutine_promise& parent) noexcept {
    stop_ = parent.stop_;
    frame_.called_by(&parent.frame_);
    home_ = as_word(loop::current_or_null());
    if (task_tracker::tracks_here()) [[unlikely]] {
      parent.note_await();
      begin_tracked();
    }
  }

  /// Notes the await in the loop's tracker, if there is one. An awaiter with notes_its_await calls this
  /// itself.
  [[gnu::always_inline]] void note_await() noexcept {
    if (is_tracked()) [[unlikely]]
      task_tracker::awaits(home(), frame_);
  }

  /// Called by resume_on before the coroutine moves to that loop. A promise whose end returns it to its home
  /// loop has a depart_for and an arrive_on of its own.
  void depart_for(const loop& there) noexcept {
    if (!leaves_for(there)) return;
    home_ |= away;
    home()->operations().expect_delivery();
  }
  /// Called when the coroutine runs on this loop.
  void arrive_on(const loop& here) noexcept {
    if (!returns_to(here)) return;
    (void)clear_away();
    home()->operations().delivery_arrived();
  }
  /// Marks the coroutine as at home, because a delivery goes there instead and takes over its count. Returns
  /// whether it was away.
  [[nodiscard]] bool clear_away() noexcept { return (std::exchange(home_, home_ & ~away) & away) != 0; }

 protected:
  /// begins is the place of the coroutine's frame until its first await.
  explicit coroutine_promise(std::source_location begins = {}) noexcept { frame_.waits_at(begins); }
  ~coroutine_promise() { end_frame(); }
  /// Ends what inherit began for the tracker. inherit may then be called again.
  void end_frame() noexcept {
    if (is_tracked()) [[unlikely]]
      end_tracked();
  }

  /// Null if the coroutine was awaited on a thread without a loop.
  [[nodiscard]] loop* home() const noexcept { return reinterpret_cast<loop*>(home_ & ~marks); }
  [[nodiscard]] bool is_away() const noexcept { return (home_ & away) != 0; }
  /// Does it run at home, neither away nor tracked?
  [[nodiscard]] bool is_plainly_at_home() const noexcept { return home_ == as_word(loop::current_or_null()); }
  [[nodiscard]] bool leaves_for(const loop& there) const noexcept {
    return !is_away() && home() != nullptr && home() == loop::current_or_null() && home() != &there;
  }
  [[nodiscard]] bool returns_to(const loop& here) const noexcept { return is_away() && home() == &here; }

 private:
  [[gnu::cold, gnu::noinline]] void begin_tracked() noexcept {
    home_ |= tracked;
    task_tracker::begins(frame_, frame_kind::coroutine);
  }
  [[gnu::cold, gnu::noinline]] void end_tracked() noexcept {
    home_ &= ~tracked;
    task_tracker::ends(home(), frame_);
  }

  // The marks of home_, in the bits that are 0 in the address of a loop.
  static constexpr std::uintptr_t away = 1;  // from home, which counts it as work
  static constexpr std::uintptr_t tracked = 2;  // by home's tracker
  static constexpr std::uintptr_t marks = away | tracked;
  static std::uintptr_t as_word(const loop* which) noexcept {
    static_assert(alignof(loop) > marks);
    return reinterpret_cast<std::uintptr_t>(which);
  }
  [[nodiscard]] bool is_tracked() const noexcept { return (home_ & tracked) != 0; }

  stop_token stop_;
  async_frame frame_;
  std::uintptr_t home_ = 0;  // the loop, with marks; set by inherit
};

template <sender S>
stop_token sender_awaiter<S>::child_stop_token() const noexcept {
  return promise_.get_stop_token();
}
template <sender S>
async_frame* sender_awaiter<S>::frame() const noexcept {
  return promise_.frame();
}

}  // namespace braid::detail
