#pragma once

#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "braid/base/pinned.hpp"
#include "braid/loop/io_operation.hpp"
#include "watch_table.hpp"

namespace braid::detail {

/// What becomes of a request that waited for a descriptor. It has left the descriptor_watches by then.
class watch_listener {
 public:
  /// The descriptor may be ready: tries the request. Returns false if it goes on waiting.
  [[nodiscard]] virtual bool on_ready(io_operation& request) noexcept = 0;
  /// Its registration is gone: the request is to be tried again in the next turn.
  virtual void on_stale(io_operation& request) noexcept = 0;
  /// The wait is over, and the request ends with this errno in the next turn.
  virtual void on_failure(io_operation& request, int code) noexcept = 0;

 protected:
  ~watch_listener() = default;
};

/// The descriptors that a readiness reactor has registered with its epoll, and the requests that wait for
/// them. A request waits here only while its descriptor is registered for the events that it needs.
///
/// A descriptor stays registered after a wait, so that the next wait takes no system call. It is
/// level-triggered at first, so that it need not be read until a read would block. It becomes
/// edge-triggered after an event without a waiter, or when a request waits for room to write. Another part
/// of the program may close the descriptor and open another one under its number. So a wait that relies on
/// an earlier registration verifies it within 10 ms. An event is only ever a reason to try again.
///
/// Threads  the loop's.
/// Source   epoll(7).
class descriptor_watches : pinned {
 public:
  /// The data of events that are for nobody: that of the wake-up.
  static constexpr std::uint64_t of_nobody = ~std::uint64_t{0};

  /// Counts its system calls in calls. Throws std::system_error.
  descriptor_watches(watch_listener& listener, int wake_descriptor, std::size_t& calls);
  ~descriptor_watches() { close_own(); }

  /// The descriptor for epoll_wait.
  [[nodiscard]] int epoll() const noexcept { return epoll_; }
  /// How many requests wait.
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }
  [[nodiscard]] bool is_registered(int descriptor) const noexcept {
    return registered(descriptor) != nullptr;
  }

  /// Is it known that the request would block, or do others wait that must be served before it?
  [[nodiscard]] bool must_wait(const request& what) noexcept;
  /// Decides after a call whether the next request should try before it waits for an event. tried_first: no
  /// event has led to the call.
  void note_result(const request& what, std::int32_t ended, bool tried_first) noexcept;
  /// Registers the descriptor for the events that the request waits for. Returns 0 or an errno.
  [[nodiscard]] int require(const request& what) noexcept;
  /// The same; if it returns 0, the request waits.
  [[nodiscard]] int wait(io_operation& operation) noexcept;
  /// Takes a waiting request back.
  void withdraw(io_operation& operation) noexcept;
  /// Serves the requests that an event of epoll_wait is for.
  void on_event(const epoll_event& event) noexcept;

  /// Clears O_NONBLOCK where it was kept.
  void make_blocking_again(int descriptor) noexcept;

  /// Ends the waits for one descriptor, or all, as cancelled. Returns how many it has ended.
  std::int32_t cancel_descriptor(int descriptor) noexcept;
  void cancel_all() noexcept;
  /// Ends all waits with this errno, and refuses later ones.
  void break_down(int code) noexcept;
  /// The errno of break_down, or 0.
  [[nodiscard]] int failure() const noexcept { return failure_; }

  /// The number belongs, or will belong, to another descriptor. Requests that wait for the old one end with
  /// EBADF, since no event would ever end their wait.
  void drop(int descriptor) noexcept;
  /// Removes the registration of a descriptor that is about to be closed, then drops it.
  void close(int descriptor) noexcept;

  /// A waiting connect has set O_NONBLOCK, which must be cleared when its wait ends. Throws std::bad_alloc.
  void keep_was_blocking(int descriptor) { table_.at(descriptor).was_blocking = true; }
  /// Was it kept? It is not any more.
  [[nodiscard]] bool take_was_blocking(int descriptor) noexcept;

  /// In a forked child: closes its own descriptors, and leaves the requests alone.
  void leave_to_parent() noexcept;

 private:
  [[nodiscard]] int require(descriptor_watch& of, const request& what) noexcept;
  [[nodiscard]] descriptor_watch* registered(int descriptor) const noexcept;
  int control(int what, int descriptor, std::uint32_t events) noexcept;
  void make_edge_triggered(int descriptor, descriptor_watch& of) noexcept;
  void unregister(int descriptor, descriptor_watch& of) noexcept;
  [[nodiscard]] bool watch_own() noexcept;
  void register_anew() noexcept;
  void close_own() noexcept;

  void doubt(int descriptor, descriptor_watch& of) noexcept;
  void verify_doubted() noexcept;
  [[nodiscard]] bool serve(operation_base::queue& waiting, const bool& ready) noexcept;
  void serve_pollers(descriptor_watch& of) noexcept;
  template <class F>
  std::int32_t end_waits(descriptor_watch& of, F on_end) noexcept;
  std::int32_t give_up(int descriptor, descriptor_watch& of, int code) noexcept;
  void start_over(descriptor_watch& of) noexcept;

  watch_listener& listener_;
  const int wake_descriptor_;
  std::size_t& system_calls_;
  int epoll_ = -1;
  int verification_timer_ = -1;
  watch_table table_;
  std::vector<int> doubted_;  // descriptors on whose unverified registration a request waits
  std::size_t waiting_ = 0;  // requests in the queues
  unsigned strays_ = 0;  // events of numbers that are not registered
  bool verification_due_ = false;  // the verification timer runs
  int failure_ = 0;
};

}  // namespace braid::detail
