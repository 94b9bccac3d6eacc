#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "braid/base/detail/intrusive_list.hpp"
#include "braid/loop/direct_calls.hpp"
#include "braid/loop/options.hpp"
#include "descriptor_watches.hpp"
#include "errand.hpp"
#include "kernel_reactor.hpp"

namespace braid::detail {

/// The readiness reactor, for kernels that refuse io_uring. It tries a request with a call that does not
/// block; if that would have blocked, the request waits for its descriptor in descriptor_watches. A request
/// without such a call becomes an errand for a thread.
///
/// Threads  the loop's; any thread may call wake.
/// Cost     a request that need not wait is one system call; one that waits is two, and a share of the turn's
///          epoll_wait.
/// Source   epoll(7).
class epoll_reactor final : public kernel_reactor, private errand_sender, private watch_listener {
 public:
  explicit epoll_reactor(const loop_options& options);
  ~epoll_reactor() override;

  const char* name() const noexcept override { return "epoll"; }
  void submit(io_operation& operation) noexcept override;
  void cancel(io_operation& operation) noexcept override;
  void cancel_all() noexcept override;
  void turn(patience how_long, inbox& messages) noexcept override;
  std::size_t in_flight() const noexcept override { return in_flight_; }
  direct_calls& direct() noexcept override { return direct_; }
  void leave_to_parent() noexcept override;

 private:
  // Drops a descriptor's registration when the loop closes it, or opens another one under its number.
  struct calls final : direct_calls {
    explicit calls(epoll_reactor& reactor) noexcept : of(reactor) {}
    int socket(int family, int type, int protocol) noexcept override;
    int pipe(int (&ends)[2]) noexcept override;
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
  [[nodiscard]] std::int32_t receive_many(io_operation& operation, bool first) noexcept;
  [[nodiscard]] std::int32_t connect(io_operation& operation, bool first) noexcept;
  void handle_result(io_operation& operation, std::int32_t ended) noexcept;
  void wait_for(io_operation& operation) noexcept;
  bool on_ready(io_operation& operation) noexcept override;
  void on_stale(io_operation& operation) noexcept override;
  void on_failure(io_operation& operation, int code) noexcept override;
  void send_out(io_operation& operation) noexcept;
  void on_errand_finished(errand& one) noexcept override;
  void close(io_operation& operation) noexcept;
  void finish(io_operation& operation, std::int32_t ended) noexcept;

  // Cancelling.
  void end_later(io_operation& operation, int code) noexcept;
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
  void look(loop_clock::time_point limit) noexcept;
  [[nodiscard]] int await_events(loop_clock::time_point limit) noexcept;

  // constant after construction
  const unsigned entries_;
  calls direct_{*this};
  // this thread
  descriptor_watches watches_{*this, wake_descriptor_, system_calls_};
  std::vector<epoll_event> events_;  // filled by epoll_wait
  operation_base::queue submitted_;  // to be tried in the next turn
  operation_base::queue batch_;  // being tried
  operation_base::queue ended_;  // finish in the next turn with their errno_
  intrusive_list<errand> errands_;  // with a thread, or on their way back
  std::vector<held_cancel> held_;
  std::size_t in_flight_ = 0;
  std::size_t completed_ = 0;  // completions so far
  unsigned unlooked_ = 0;  // turns since the last epoll_wait
  bool precise_ = true;  // the kernel has epoll_pwait2
  bool left_ = false;  // this is a forked child, and the reactor is the parent's
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
