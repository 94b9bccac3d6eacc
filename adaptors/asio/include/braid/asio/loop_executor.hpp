#pragma once

#include <boost/asio/execution.hpp>
#include <type_traits>
#include <utility>

#include "braid/asio/detail/loop_context.hpp"
#include "braid/loop/loop.hpp"

namespace braid {

/// An Asio executor that runs its functions on a braid loop. An I/O object that is made on it completes
/// there; no io_context is needed.
///
///     loop here;
///     boost::asio::ip::tcp::socket socket{loop_executor(here)};
///     boost::asio::steady_timer timer{loop_executor(here), 10ms};
///     timer.async_wait([](boost::system::error_code) { log("on the loop"); });
///     boost::asio::post(loop_executor(here), [] { log("in a later turn"); });
///     here.run();
///
/// post, dispatch, bind_executor, strand and co_spawn take it like an io_context's executor. For sockets and
/// timers Asio starts a thread of its own, one for each loop: it waits for the kernel and runs no handler.
///
/// Lifetime  the loop outlives all copies and all I/O objects on them; those in its coroutines are within it.
///           The loop's end destroys the handlers that still wait, without calling them. Only a wait that its
///           object's end has just cancelled may still call its handler there.
/// Threads   made on the loop's. Copies may be used on any thread while the loop exists.
/// Errors    the constructor throws std::logic_error on another thread. An exception of a function goes
///           to the loop's unhandled-error handler, or through dispatch to its caller if it ran within
///           the call.
/// Cancel    loop::run() waits for the operations of I/O objects on the loop, as io_context::run() would. The
///           loop's end does not.
/// Cost      one block of the frame pool a function.
class loop_executor {
  using asio_context = boost::asio::execution_context;
  using blocking = boost::asio::execution::blocking_t;
  using outstanding_work = boost::asio::execution::outstanding_work_t;
  using relationship = boost::asio::execution::relationship_t;

 public:
  /// Of a loop, on its own thread.
  explicit loop_executor(loop& home = loop::current("loop_executor"))
      : context_(&detail::loop_context::of(home)) {}
  loop_executor(const loop_executor& other) noexcept
      : context_(other.context_), never_blocks_(other.never_blocks_), work_(other.work_) {
    if (work_ == work::tracked) context_->work_began();
  }
  // Asio does not destroy the moved-from executor of a work guard: it must hold nothing.
  loop_executor(loop_executor&& other) noexcept
      : context_(other.context_),
        never_blocks_(other.never_blocks_),
        work_(std::exchange(other.work_, work::untracked)) {}
  loop_executor& operator=(loop_executor other) noexcept {
    std::swap(context_, other.context_);
    std::swap(never_blocks_, other.never_blocks_);
    std::swap(work_, other.work_);
    return *this;
  }
  ~loop_executor() {
    if (work_ == work::tracked) context_->work_ended();
  }

  /// Runs f() on the loop's thread: within the call if the loop is running there, else in a later turn.
  template <class F>
  void execute(F&& f) const {
    std::decay_t<F> kept(std::forward<F>(f));
    if (!never_blocks_ && context_->runs_here())
      std::move(kept)();
    else
      context_->execute_later(std::move(kept));
  }

  friend bool operator==(const loop_executor& left, const loop_executor& right) noexcept {
    return left.context_ == right.context_ && left.never_blocks_ == right.never_blocks_ &&
           left.work_ == right.work_;
  }

  // The properties that Asio asks for.
  [[nodiscard]] asio_context& query(boost::asio::execution::context_t) const noexcept { return *context_; }
  [[nodiscard]] blocking query(blocking) const noexcept {
    return never_blocks_ ? blocking(blocking::never) : blocking(blocking::possibly);
  }
  [[nodiscard]] outstanding_work query(outstanding_work) const noexcept {
    return work_ == work::tracked ? outstanding_work(outstanding_work::tracked)
                                  : outstanding_work(outstanding_work::untracked);
  }
  [[nodiscard]] static constexpr relationship query(relationship) noexcept { return relationship::fork; }
  [[nodiscard]] loop_executor require(blocking::never_t) const noexcept { return {*this, true, work_}; }
  [[nodiscard]] loop_executor require(blocking::possibly_t) const noexcept { return {*this, false, work_}; }
  [[nodiscard]] loop_executor require(outstanding_work::tracked_t) const noexcept {
    return {*this, never_blocks_, work_ == work::of_operation ? work_ : work::tracked};
  }
  [[nodiscard]] loop_executor require(outstanding_work::untracked_t) const noexcept {
    return {*this, never_blocks_, work_ == work::of_operation ? work_ : work::untracked};
  }
  [[nodiscard]] loop_executor require(relationship::fork_t) const noexcept { return *this; }
  [[nodiscard]] loop_executor require(relationship::continuation_t) const noexcept { return *this; }
  // For the handler of a braid operation, which keeps its loop going by itself. Its copies on other
  // threads may be destroyed after the operation, and with it the loop, has ended.
  [[nodiscard]] loop_executor of_operation() const noexcept {
    return {*this, never_blocks_, work::of_operation};
  }

 private:
  enum class work : char { untracked, tracked, of_operation };
  loop_executor(const loop_executor& other, bool never_blocks, work how) noexcept
      : context_(other.context_), never_blocks_(never_blocks), work_(how) {
    if (work_ == work::tracked) context_->work_began();
  }

  detail::loop_context* context_;
  bool never_blocks_ = false;
  work work_ = work::untracked;
};

}  // namespace braid
