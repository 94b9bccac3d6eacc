#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "braid/base/detail/intrusive_list.hpp"
#include "braid/base/error.hpp"
#include "braid/base/pinned.hpp"
#include "braid/base/unique_function.hpp"
#include "braid/core/async_stack.hpp"
#include "braid/loop/detail/descriptor_turns.hpp"
#include "braid/loop/detail/inbox.hpp"
#include "braid/loop/detail/outside_work.hpp"
#include "braid/loop/detail/receive_history.hpp"
#include "braid/loop/detail/resident.hpp"
#include "braid/loop/detail/timer_queue.hpp"
#include "braid/loop/operation.hpp"
#include "braid/loop/options.hpp"
#include "braid/loop/reactor.hpp"

namespace braid {

namespace detail {
class buffer_pool;
class task_tracker;
struct end_buffer_pool {
  void operator()(buffer_pool* which) const noexcept;
};
}  // namespace detail

/// The loop as operations see it. They submit requests to it, add timers, and finish in one of its turns.
/// For authors of operations; docs/guide.md has a whole one.
///
///     void finish_soon(operation_base& done) {
///       operation_context& here = loop::current().operations();
///       here.make_ready(done);
///     }
///
/// Threads  the loop's; any thread may call deliver.
class operation_context : protected detail::keeps_time {
 public:
  /// The frame of a request or a timer that no task waits for: none.
  struct no_frame {
    async_frame* operator()() const noexcept { return nullptr; }
  };

  /// Begins a request. Its completion arrives in a later turn. frame() returns the waiting frame; it is
  /// called only where the loop tracks its tasks.
  template <bool IsNop = false, class Frame = no_frame>
  [[gnu::always_inline]] void submit(io_operation& operation, Frame frame = {}) noexcept {
    if (!reactor_->submit_inline<IsNop>(operation)) [[unlikely]]
      submit_slow(operation, frame());
  }
  /// Like submit, for a request that may block although its descriptor is ready, or because it has none. The
  /// reactor may give it to the blocking pool.
  template <class Frame = no_frame>
  void submit_blocking(io_operation& operation, Frame frame = {}) noexcept {
    operation.may_block_ = true;
    submit_slow(operation, frame());
  }
  /// Like submit, for a request that takes its turn at its descriptor. It may be submitted again until
  /// end_turn.
  template <class Frame>
  void submit_in_turn(detail::turn_operation& operation, const file_traits& traits, bool may_block,
                      Frame frame) noexcept {
    operation.may_block_ = may_block;
    if (!take_turn(operation, traits, frame)) return;
    turns_.locate(operation, *reactor_);
    if (may_block) [[unlikely]]
      submit_slow(operation, frame());
    else
      submit(operation, frame);
  }
  /// True when the operation has its turn at its descriptor; otherwise it begins by itself once it has.
  template <class Frame>
  [[nodiscard]] bool take_turn(detail::turn_operation& operation, const file_traits& traits,
                               Frame frame) noexcept {
    if (turns_.take(operation, traits, *reactor_)) return true;
    wait_for_turn(operation, frame());
    return false;
  }
  /// Reads at once what is in memory: see reactor::read_cached. Where more is ready, the requests of all go
  /// together.
  [[nodiscard]] std::int32_t read_cached(const request& what) noexcept {
    return is_unusual_ || !ready_.empty() ? -1 : reactor_->read_cached(what);
  }
  /// Called at each completion of such a request: see descriptor_turns::moved.
  void note_moved(detail::turn_operation& operation, std::int32_t result) noexcept {
    turns_.moved(operation, result, *reactor_);
  }
  /// The operation will not be submitted again: the next one at its file begins.
  void end_turn(detail::turn_operation& operation) noexcept {
    if (detail::turn_operation* const next = turns_.end(operation)) [[unlikely]]
      begin_turn(*next);
  }
  /// cancel for an operation that takes its turn.
  void cancel(detail::turn_operation& operation) noexcept {
    if (turns_.withdraw(operation)) return reject(operation);
    cancel(static_cast<io_operation&>(operation));
  }
  /// Asks that a begun request end soon. It still finishes once.
  void cancel(io_operation& operation) noexcept {
    if (!ending_) reactor_->cancel(operation);  // else cancel_all has cancelled it
  }
  /// Finishes the timer in the first turn after its deadline.
  template <class Frame = no_frame>
  void add(timer_base& timer, loop_clock::time_point deadline, Frame frame = {}) noexcept {
    if (is_unusual_) [[unlikely]]
      return add_slow(timer, deadline, frame());
    timers_.add(timer, std::max(deadline, fired_until_));  // a past deadline goes behind the timers now due
  }
  /// Ends the timer, which must be queued, as cancelled in this turn or the next.
  void cancel(timer_base& timer) noexcept {
    if (ending_) return;  // it is rejected already
    timers_.remove(timer);
    reject(timer);
  }
  /// Gives the timer, which must be queued, another deadline.
  void move(timer_base& timer, loop_clock::time_point deadline) noexcept {
    if (ending_) return;
    if (current_ != this) touched();
    timers_.remove(timer);
    timers_.add(timer, std::max(deadline, fired_until_));
  }
  /// Finishes the operation in this turn or the next, after the operations that are ready already.
  void make_ready(operation_base& operation) noexcept {
    operation.mark_begun();
    ready_.push_back(operation);
  }
  /// Like make_ready, from any thread.
  void deliver(operation_base& operation) noexcept {
    if (!inbox_.push(operation)) return;
    reactor_->wake();
    inbox_.woken();
  }
  /// Takes back an operation that was made ready, or that another thread delivers or is about to: it will not
  /// finish. For operations that the loop destroys. Cost: O(n) of the ready operations.
  void withdraw_ready(operation_base& operation) noexcept;
  /// Keeps run() going until the operation is delivered.
  void expect_delivery() noexcept { ++expected_; }
  void delivery_arrived() noexcept { --expected_; }
  /// Like expect_delivery, for work that cannot be cancelled and may never be delivered. The loop's end does
  /// not wait for it.
  void expect_foreign() noexcept {
    ++expected_;
    ++foreign_;
  }
  void foreign_ended() noexcept {
    if (foreign_ == 0) return;  // the loop is ending and does not count it any more
    --expected_;
    --foreign_;
  }
  /// Like expect_delivery, for work that the loop asks to end when it ends itself.
  void begin_outside(detail::outside_work& work) noexcept {
    outside_.push_back(work);
    ++expected_;
  }
  void end_outside(detail::outside_work& work) noexcept {
    work.unlink();
    --expected_;
  }
  /// Code on the loop's thread, outside of its turns, has made something ready or changed a timer.
  void touched() noexcept { reactor_->touched(); }
  /// Gives the job to the blocking pool; see reactor::offload.
  void offload(detail::blocking_job& job) { reactor_->offload(job); }
  /// Takes the job back; false when a thread has begun it.
  [[nodiscard]] bool withdraw(detail::blocking_job& job) noexcept { return reactor_->withdraw(job); }
  /// See reactor::simulates_threads.
  [[nodiscard]] bool simulates_threads() const noexcept { return reactor_->simulates_threads(); }
  /// One of 0 … n - 1, for a choice between equals: see reactor::choose.
  [[nodiscard]] std::size_t choose(std::size_t n) { return reactor_->choose(n); }
  /// The system calls on the loop's descriptors that need no waiting.
  [[nodiscard]] direct_calls& direct() noexcept { return reactor_->direct(); }
  /// The buffers for requests with opcode::receive_many, made at the first call.
  /// Errors  throws std::bad_alloc, and std::system_error if the reactor cannot use them.
  [[nodiscard]] detail::buffer_pool& receive_buffers() {
    return buffers_ != nullptr ? *buffers_ : make_receive_buffers();
  }
  /// The loop destroys `one` if it ends while `one` still waits.
  void adopt(detail::resident& one) noexcept { residents_.push_back(one); }

  /// The nearest timer's deadline; time_point::max() without timers.
  [[nodiscard]] loop_clock::time_point next_deadline() const noexcept {
    return timers_.empty() ? loop_clock::time_point::max() : timers_.nearest();
  }
  /// In a forked child: see after_fork. Afterwards the loop does nothing.
  void leave_to_parent() noexcept;
  /// Which sockets the last receive left empty.
  [[nodiscard]] detail::receive_history& receives() noexcept { return receives_; }

  /// Is an operation ready, or rejected and not finished yet?
  [[nodiscard]] bool has_ready() const noexcept { return !ready_.empty() || !rejected_.empty(); }
  /// Is the loop in its destructor? Operations started now end as cancelled.
  [[nodiscard]] bool ending() const noexcept { return ending_; }
  /// Calls the unhandled-error handler, unless the failure is a requested cancellation or comes from the
  /// loop's end. A failure without a stack gets that of `where`.
  void report_unhandled(error failure, const async_frame* where) noexcept;
  /// The loop's tracker, or null.
  [[nodiscard]] const detail::task_tracker* tracker() const noexcept { return tracker_.get(); }
  /// Moves one of the first `most` ready operations to the front: the one with the index pick(how many). For
  /// a simulation, which chooses their order.
  template <class Pick>
  void choose_next(std::size_t most, Pick pick);

 protected:
  friend class detail::task_tracker;
  operation_context(const loop_options& options, std::unique_ptr<reactor> on) noexcept;
  ~operation_context();
  using unhandled_fn = unique_function<void(const error&)>;
  static void make_current(operation_context* which) noexcept;
  [[gnu::cold]] void submit_slow(io_operation& operation, const async_frame* frame) noexcept;
  [[gnu::cold]] void wait_for_turn(detail::turn_operation& operation, const async_frame* frame) noexcept;
  void begin_turn(detail::turn_operation& operation) noexcept;
  [[gnu::cold]] void add_slow(timer_base& timer, loop_clock::time_point deadline,
                              const async_frame* frame) noexcept;

  // With BRAID_CHECKS=1: is this the loop's thread?
  void check_thread(const async_frame* frame) const noexcept;
  detail::buffer_pool& make_receive_buffers();
  void reject(operation_base& operation) noexcept {
    operation.mark_begun();
    rejected_.push_back(operation);
  }
  bool fire_due_timers() noexcept;  // both return whether anything ran
  bool run_ready() noexcept;
  template <class Finish>
  bool run_ready_by(Finish finish) noexcept;

  // constant
  detail::keeps_time* const* const thread_ = &current_;  // identifies the thread: current_ is thread-local
  const loop_options options_;
  std::unique_ptr<detail::buffer_pool, detail::end_buffer_pool> buffers_;  // ends after the reactor
  std::unique_ptr<reactor> reactor_;
  // this thread
  operation_base::queue ready_;
  operation_base::queue rejected_;  // end as cancelled
  detail::timer_queue timers_;
  loop_clock::time_point fired_until_ = loop_clock::time_point::min();
  detail::intrusive_list<detail::resident> residents_;
  detail::intrusive_list<detail::outside_work> outside_;
  detail::receive_history receives_;
  detail::descriptor_turns turns_;
  std::shared_ptr<unhandled_fn> unhandled_;
  std::size_t expected_ = 0;
  std::size_t foreign_ = 0;  // how many of these the loop's end does not wait for
  int batch_ = 1;  // how many ready operations run before the clock is read
  bool running_ = false;
  bool ending_ = false;
  bool returned_early_ = false;  // the last turn left the reactor out
  bool is_unusual_ = false;  // the loop tracks its tasks, or is ending
  bool of_parent_ = false;  // the loop belongs to the process that forked this one
  std::unique_ptr<detail::task_tracker> tracker_;
  // any thread
  detail::inbox inbox_;
};

template <class Pick>
void operation_context::choose_next(std::size_t most, Pick pick) {
  const std::size_t waiting = ready_.size_up_to(most);
  if (waiting > 1) ready_.bring_forward(pick(waiting));
}

}  // namespace braid
