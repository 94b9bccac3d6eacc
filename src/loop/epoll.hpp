#pragma once

#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "braid/base/detail/intrusive_list.hpp"
#include "braid/loop/direct_calls.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/reactor.hpp"
#include "errand.hpp"
#include "watch_table.hpp"

namespace braid::detail {

/// The readiness reactor, for kernels that refuse io_uring. It tries a request with a call that does not
/// block; if that would have blocked, the request waits for its descriptor. A request without such a call
/// becomes an errand for a thread.
///
/// A descriptor stays registered after a wait, so that the next wait takes no system call. It is
/// level-triggered at first, so that it need not be read until a read would block. It becomes
/// edge-triggered after an event without a waiter, or when a request waits for room to write. Another part
/// of the program may close the descriptor and open another one under its number. So a wait that relies on
/// an earlier registration verifies it within 10 ms. An event is only ever a reason to try again.
///
/// Threads  the loop's; any thread may call wake.
/// Cost     a request that need not wait is one system call; one that waits is two, and a share of the turn's
///          epoll_wait.
/// Source   epoll(7).
class epoll_reactor final : public reactor, private errand_sender {
 public:
  explicit epoll_reactor(const loop_options& options);
  ~epoll_reactor() override;

  const char* name() const noexcept override { return "epoll"; }
  void submit(io_operation& operation) noexcept override;
  void cancel(io_operation& operation) noexcept override;
  void cancel_all() noexcept override;
  void turn(patience how_long, inbox& messages) noexcept override;
  std::size_t in_flight() const noexcept override { return in_flight_; }
  void wake() noexcept override;
  direct_calls& direct() noexcept override { return direct_; }
  loop_clock::time_point now() const noexcept override;
  void leave_to_parent() noexcept override;

 private:
  // Drops a descriptor's registration when the loop closes it, or opens another one under its number.
  struct calls final : direct_calls {
    explicit calls(epoll_reactor& reactor) noexcept : of(reactor) {}
    int socket(int family, int type, int protocol) noexcept override;
    int close(int descriptor) noexcept override;
    epoll_reactor& of;
  };
  // A cancel_descriptor that waits for requests that threads carry out.
  struct held_cancel {
    io_operation* operation;
    std::int32_t found;
  };

  // The steps of a request.
  void begin(io_operation& operation) noexcept;
  void begin_waiting_kind(io_operation& operation) noexcept;
  [[nodiscard]] std::int32_t carry_out(io_operation& operation, bool first) noexcept;
  [[nodiscard]] std::int32_t carry_out_refused(io_operation& operation) noexcept;
  [[nodiscard]] std::int32_t accept_many(io_operation& operation) noexcept;
  [[nodiscard]] std::int32_t connect(io_operation& operation, bool first) noexcept;
  void handle_result(io_operation& operation, std::int32_t ended) noexcept;
  void wait_for(io_operation& operation) noexcept;
  void send_out(io_operation& operation) noexcept;
  void on_errand_finished(errand& one) noexcept override;
  void close(io_operation& operation) noexcept;
  void finish(io_operation& operation, std::int32_t ended) noexcept;

  // Descriptors.
  [[nodiscard]] static operation_base::queue& queue_of(descriptor_watch& of, opcode code) noexcept {
    if (code == opcode::receive) return of.readers;
    if (code == opcode::send || code == opcode::write || code == opcode::connect ||
        code == opcode::send_message)
      return of.writers;
    return code == opcode::poll ? of.pollers : of.readers;
  }
  void make_edge_triggered(int descriptor, descriptor_watch& of) noexcept;
  static void guess(descriptor_watch& of, const request& what, std::int32_t ended, bool tried_first) noexcept;
  [[nodiscard]] int require(int descriptor, descriptor_watch& of, const request& what) noexcept;
  int control(int what, int descriptor, std::uint32_t events) noexcept;
  void unregister(int descriptor) noexcept;
  void register_anew() noexcept;
  bool watch_own() noexcept;
  void try_again(descriptor_watch& of) noexcept;
  void drop_watches(int descriptor) noexcept;
  void make_blocking_again(int descriptor, descriptor_watch& of) noexcept;
  void doubt(int descriptor, descriptor_watch& of) noexcept;
  void verify_doubted() noexcept;
  [[nodiscard]] std::int32_t give_up_waiting(int descriptor, descriptor_watch& of) noexcept;
  void cancel_descriptor(io_operation& operation) noexcept;
  [[nodiscard]] std::int32_t find_not_begun(int descriptor) noexcept;
  void release_held() noexcept;
  // Cancels errands. Counts them all, and those that cannot be cancelled because a thread has begun them.
  struct errand_count {
    std::int32_t all = 0, begun = 0;
  };
  template <class Predicate>
  errand_count end_errands_if(Predicate meant) noexcept;

  // Turns.
  void finish_ended() noexcept;
  void begin_submitted() noexcept;
  void close_descriptors() noexcept;
  void wait(patience how_long, inbox& messages) noexcept;
  void look(const loop_clock::duration* limit) noexcept;
  [[nodiscard]] int await_events(const loop_clock::duration* limit) noexcept;
  void on_event(int descriptor, std::uint32_t events) noexcept;
  [[nodiscard]] bool serve(operation_base::queue& waiting, const bool& ready) noexcept;
  void serve_pollers(descriptor_watch& of) noexcept;
  [[gnu::cold]] void break_down(int code) noexcept;
  void await_wake(const loop_clock::duration* limit) noexcept;
  void orphan(descriptor_watch& of, int code) noexcept;

  void start_waiting(io_operation& operation) noexcept {
    polls(operation) = true;
    ++waiting_;
  }
  void stop_waiting(io_operation& operation) noexcept {
    polls(operation) = false;
    --waiting_;
  }

  // constant after construction
  int epoll_ = -1;
  int wake_descriptor_ = -1;
  int verification_timer_ = -1;
  const unsigned entries_;
  calls direct_{*this};
  // this thread
  watch_table watches_;
  std::vector<epoll_event> events_;  // filled by epoll_wait
  operation_base::queue submitted_;  // to be tried in the next turn
  operation_base::queue batch_;  // being tried
  operation_base::queue cancelled_;  // finish as cancelled in the next turn
  operation_base::queue orphaned_;  // finish with their errno_: their descriptor will send no event
  intrusive_list<errand> errands_;  // with a thread, or on their way back
  std::vector<held_cancel> held_;
  std::vector<int> doubted_;  // descriptors on whose unverified registration a request waits
  std::size_t in_flight_ = 0;
  std::size_t waiting_ = 0;  // operations in the watches' queues
  std::size_t completed_ = 0;  // completions so far
  unsigned unlooked_ = 0;  // turns since the last epoll_wait
  unsigned strays_ = 0;  // events of numbers that are not registered
  bool verification_due_ = false;  // the verification timer runs
  bool precise_ = true;  // the kernel has epoll_pwait2
  bool left_ = false;  // this is a forked child, and the reactor is the parent's
  int failure_ = 0;  // the errno that epoll_wait failed with, for good: no request can wait any more
};

template <class Predicate>
epoll_reactor::errand_count epoll_reactor::end_errands_if(Predicate meant) noexcept {
  errand_count found;
  errands_.for_each([&](errand& each) {
    if (!meant(std::as_const(each))) return;
    ++found.all;
    if (!each.end_early()) ++found.begun;
  });
  return found;
}

}  // namespace braid::detail
