#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "braid/base/unique_function.hpp"
#include "braid/loop/clock.hpp"
#include "braid/loop/detail/inbox.hpp"
#include "braid/loop/detail/operations_of.hpp"
#include "braid/loop/detail/submission_lane.hpp"
#include "braid/loop/io_operation.hpp"
#include "braid/loop/options.hpp"
#include "braid/loop/request.hpp"

namespace braid {

namespace detail {
class blocking_job;
}  // namespace detail
class direct_calls;

/// Carries out requests: the seam between a loop and the kernel, or a simulation of it.
///
/// Threads  the loop's, but for wake.
/// Errors   none is thrown after construction; a request's failure is its completion.
class reactor : pinned {
 public:
  /// How long a turn may wait when there is nothing to do: not at all, until an instant, or until woken.
  struct patience {
    bool may_wait = false;
    loop_clock::time_point until = loop_clock::time_point::max();
  };

  virtual ~reactor() = default;
  /// "io_uring" or "epoll", for messages.
  [[nodiscard]] virtual const char* name() const noexcept = 0;

  /// Begins the request; its completion arrives in a later turn, never within this call.
  virtual void submit(io_operation& operation) noexcept = 0;
  /// The same, where it takes no more than an entry in the lane; else false, and nothing has happened.
  template <bool IsNop>
  [[nodiscard, gnu::always_inline]] bool submit_inline(io_operation& operation) noexcept {
    const request& what = *operation.request_;
    const int descriptor = what.descriptor;  // before anything is written, which might be the request
    if (!lane_.submit(what, reinterpret_cast<std::uint64_t>(&operation) | (IsNop ? 0 : listed_bit)))
        [[unlikely]]
      return false;
    if constexpr (!IsNop) begun_->add(operation, descriptor);
    operation.mark_begun();
    return true;
  }
  /// From now on every request comes by submit.
  void close_lane() noexcept {
    lane_closed_ = true;
    lane_.limit = lane_.tail;
  }
  /// Asks that the operation end soon. It ends once, as before: cancelled, or with what it had achieved.
  virtual void cancel(io_operation& operation) noexcept = 0;
  /// cancel for everything in flight.
  virtual void cancel_all() noexcept = 0;
  /// One turn: hand over what was submitted, wait if there is patience, tell what has completed. Before it
  /// waits it announces the sleep to messages, and does not wait when there are some.
  virtual void turn(patience how_long, detail::inbox& messages) noexcept = 0;
  /// Ends a wait that was announced. Any thread.
  virtual void wake() noexcept = 0;
  /// Its loop has something to do that came from outside of its turns, on its thread: for a reactor that
  /// takes turns with others there.
  virtual void touched() noexcept {}
  /// Has a thread that may block do the job, which then hands itself back.
  /// Errors  std::system_error when there is no such thread and none can be started.
  virtual void offload(detail::blocking_job& job);
  /// Takes back a job that no thread has begun; false when one has.
  [[nodiscard]] virtual bool withdraw(detail::blocking_job& job) noexcept;
  /// In a forked child, whose parent goes on with it: lets go of what the two share, and forgets everything.
  /// It is not used, nor destroyed, any more.
  virtual void leave_to_parent() noexcept {}
  /// What its descriptors are asked without waiting.
  [[nodiscard]] virtual direct_calls& direct() noexcept;
  /// A file's own position, where requests at current_position may leave it wrong: after a transfer that an
  /// error has cut short, and after some without a buffer. -1 where they move it as read(2) and write(2) do.
  [[nodiscard]] virtual std::int64_t position_of(int) noexcept { return -1; }
  /// lseek(2), where position_of gave one.
  virtual void set_position(int, std::int64_t, int) noexcept {}
  /// The clock that timers go by.
  [[nodiscard]] virtual loop_clock::time_point now() const noexcept = 0;

  /// Requests begun and not yet ended.
  [[nodiscard]] virtual std::size_t in_flight() const noexcept = 0;
  /// System calls made so far, for benchmarks and tests.
  [[nodiscard]] std::size_t system_calls() const noexcept { return system_calls_; }

 protected:
  static void mark_begun(operation_base& operation) noexcept { operation.mark_begun(); }
  static void finish(operation_base& operation, completion ended) noexcept { operation.finish(ended); }
  static void finish_in_part(operation_base& operation, completion part) noexcept {
    operation.finish_in_part(part);
  }

  // In the user_data of what the lane takes: the operation is in begun_.
  static constexpr std::uint64_t listed_bit = 4;

  static bool& polls(io_operation& operation) noexcept { return operation.polls_; }
  static bool polls(const io_operation& operation) noexcept { return operation.polls_; }
  static bool& may_block(io_operation& operation) noexcept { return operation.may_block_; }
  static cancel_request& cancel_of(io_operation& operation) noexcept { return operation.cancel_; }
  static bool gives_up(const io_operation& operation) noexcept {
    return operation.cancel_ != cancel_request::none;
  }
  static std::int16_t& errno_of(io_operation& operation) noexcept { return operation.errno_; }

  detail::submission_lane lane_;
  bool lane_closed_ = false;
  detail::operations_of* begun_ = nullptr;  // those that the lane took, but nops; where there is one
  std::size_t system_calls_ = 0;
};

/// The reactor that the options, BRAID_BACKEND and this kernel agree on.
/// Errors  std::system_error that says which cause forbids it and what the remedy is; std::invalid_argument
///         for a BRAID_BACKEND or BRAID_QUIET that is none.
[[nodiscard]] std::unique_ptr<reactor> make_reactor(const loop_options& options);

/// While it lives, loops that this thread makes run on reactors that it makes instead: for tests of code that
/// makes its own loops. For its maker make_reactor gives what it would without it.
class reactor_override : pinned {
 public:
  using maker = unique_function<std::unique_ptr<reactor>(const loop_options&)>;
  explicit reactor_override(maker make) noexcept;
  ~reactor_override();

 private:
  friend std::unique_ptr<reactor> make_reactor(const loop_options& options);
  std::unique_ptr<reactor> make(const loop_options& options);
  maker make_;
  reactor_override* const outer_;
};

}  // namespace braid
