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
class buffer_pool;
}  // namespace detail
class direct_calls;

/// Carries out requests: the interface between a loop and the kernel, or a simulation of the kernel.
///
///     std::unique_ptr<reactor> on = make_reactor({.backend = backend::epoll});
///     loop here({}, std::move(on));
///
/// Threads  the loop's; any thread may call wake.
/// Errors   only construction throws. A request that fails completes with its errno.
class reactor : public detail::timekeeper, pinned {
 public:
  /// How long a turn may wait when it has nothing to do: not at all, until an instant, or until woken.
  struct patience {
    bool may_wait = false;
    loop_clock::time_point until = loop_clock::time_point::max();
  };

  virtual ~reactor() = default;
  /// "io_uring" or "epoll", for messages.
  [[nodiscard]] virtual const char* name() const noexcept = 0;

  /// Begins the request. Its completion arrives in a later turn, never within this call.
  virtual void submit(io_operation& operation) noexcept = 0;
  /// submit for a request that only needs an entry in the lane. Otherwise returns false and does nothing.
  template <bool IsNop>
  [[nodiscard, gnu::always_inline]] bool submit_inline(io_operation& operation) noexcept {
    const request& what = *operation.request_;
    const int descriptor = what.descriptor;  // read before the writes below, which might alias the request
    if (!lane_.submit(what, reinterpret_cast<std::uint64_t>(&operation) | (IsNop ? 0 : listed_bit)))
        [[unlikely]]
      return false;
    if constexpr (!IsNop) begun_->add(operation, descriptor);
    operation.mark_begun();
    return true;
  }
  /// Sends every later request through submit.
  void close_lane() noexcept {
    lane_closed_ = true;
    lane_.limit = lane_.tail;
  }
  /// Asks that the operation end soon. It still finishes once: cancelled, or with what it has achieved.
  virtual void cancel(io_operation& operation) noexcept = 0;
  /// cancel for every operation in flight.
  virtual void cancel_all() noexcept = 0;
  /// One turn: hands over what was submitted, waits if patience allows, and finishes what has completed.
  /// Before it waits it announces the sleep to messages; it does not wait when there are messages.
  virtual void turn(patience how_long, detail::inbox& messages) noexcept = 0;
  /// Ends a wait that was announced. Any thread.
  virtual void wake() noexcept = 0;
  /// Code on the loop's thread, outside of the loop's turns, has given the loop something to do. For a
  /// simulated loop, which shares its thread with others.
  virtual void touched() noexcept {}
  /// Gives the job to the blocking pool; the job delivers itself back to the loop.
  /// Errors  std::system_error when there is no such thread and none can be started.
  virtual void offload(detail::blocking_job& job);
  /// Takes back a job that no thread has begun; false when one has.
  [[nodiscard]] virtual bool withdraw(detail::blocking_job& job) noexcept;
  /// The buffers into which it carries out receive_many. Called once, before the first such request. Returns
  /// 0, or the errno of why it cannot.
  [[nodiscard]] virtual int offer_buffers(detail::buffer_pool& pool) noexcept {
    buffers_ = &pool;
    return 0;
  }
  /// True if it runs jobs in steps of a simulation instead of on threads.
  [[nodiscard]] virtual bool simulates_threads() const noexcept { return false; }
  /// In a forked child: closes what it shares with the parent's reactor, and drops its requests. The child
  /// neither uses nor destroys it afterwards.
  virtual void leave_to_parent() noexcept {}
  /// The system calls on its descriptors that need no waiting.
  [[nodiscard]] virtual direct_calls& direct() noexcept;
  /// Reads at once what is in memory, without a request, where the reactor can and where that is faster.
  /// Returns how many bytes, or -1 when a request is needed.
  [[nodiscard]] virtual std::int32_t read_cached(const request&) noexcept { return -1; }
  /// A file's position, if the reactor's requests at current_position may leave it wrong: after a transfer
  /// that an error has cut short, and after some without a buffer. -1 if they move it as read(2) and write(2)
  /// do.
  [[nodiscard]] virtual std::int64_t position_of(int) noexcept { return -1; }
  /// lseek(2), where position_of gave a position.
  virtual void set_position(int, std::int64_t, int) noexcept {}
  /// One of 0 … n - 1, for a choice between equals. The same loop makes the same choices in every run; a
  /// simulation takes the world's.
  [[nodiscard]] virtual std::size_t choose(std::size_t n);
  /// The clock of timers.
  [[nodiscard]] loop_clock::time_point now() const noexcept override = 0;

  /// Requests that have begun and not ended.
  [[nodiscard]] virtual std::size_t in_flight() const noexcept = 0;
  /// System calls made so far. For benchmarks and tests.
  [[nodiscard]] std::size_t system_calls() const noexcept { return system_calls_; }

 protected:
  static void mark_begun(operation_base& operation) noexcept { operation.mark_begun(); }
  static void finish(operation_base& operation, completion ended) noexcept { operation.finish(ended); }
  static void finish_in_part(operation_base& operation, completion part) noexcept {
    operation.finish_in_part(part);
  }

  // A bit of the user_data of a request in the lane: its operation is in begun_.
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
  detail::operations_of* begun_ = nullptr;  // the operations in the lane, without nops; null without a lane
  std::size_t system_calls_ = 0;
  detail::buffer_pool* buffers_ = nullptr;  // see offer_buffers

 private:
  std::uint64_t choices_ = 0;  // how many it has made
};

/// Makes the reactor that the options, BRAID_BACKEND and this kernel agree on.
///
///     loop here({}, make_reactor({.backend = backend::uring}));
///
/// Errors  std::system_error that names the cause and the remedy; std::invalid_argument for an invalid
///         BRAID_BACKEND or BRAID_QUIET.
[[nodiscard]] std::unique_ptr<reactor> make_reactor(const loop_options& options);

/// While it lives, loops that this thread makes run on reactors from its maker. For tests of code that makes
/// its own loops. Within the maker, make_reactor works as if this override did not exist.
///
///     const auto make = [](const loop_options&) { return make_reactor({.backend = backend::epoll}); };
///     const reactor_override on_epoll(make);
///     log(run(fetch("page")));  // run makes a loop, which is on epoll
class reactor_override : pinned {
 public:
  /// Makes a reactor for a loop with these options.
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
