#pragma once

#include <cstdint>

#include "braid/base/detail/assert.hpp"
#include "braid/base/detail/intrusive_queue.hpp"
#include "braid/base/pinned.hpp"
#include "braid/loop/detail/transfer.hpp"

namespace braid {

namespace detail {
class inbox;
class operations_of;
class task_tracker;
class timer_queue;
}  // namespace detail

class timer_base;

/// How a request ended: the return value of its system call, or minus the errno.
///
///     void on_finish(operation_base&, completion ended) {
///       if (ended.result < 0) log(std::strerror(-ended.result));
///     }
struct completion {
  std::int32_t result = 0;
  std::uint32_t flags = 0;

  static constexpr std::uint32_t has_buffer = 1;      ///< a flag: the bytes are in a buffer of the loop's
  static constexpr std::uint32_t more = 2;            ///< a flag: the request goes on and completes again
  /// Which buffer, where has_buffer is set.
  [[nodiscard]] std::uint16_t buffer() const noexcept { return static_cast<std::uint16_t>(flags >> 16); }
  /// The flags of bytes in a buffer; more will follow.
  [[nodiscard]] static constexpr std::uint32_t in_buffer(std::uint16_t id) noexcept {
    return has_buffer | more | std::uint32_t{id} << 16;
  }
  static constexpr std::uint32_t more_to_receive = 4;  ///< a flag: the socket held more than was received
};

/// One asynchronous step in flight. The reactor links it intrusively and calls its finish function once, or
/// several times for a request that completes in parts (completion::more).
///
///     class wake_up : public operation_base {
///      public:
///       wake_up() : operation_base(on_finish) {}
///
///      private:
///       static void on_finish(operation_base&, completion) { log("woken"); }
///     };
///     wake_up once;
///     loop::current().operations().make_ready(once);  // once must stay until on_finish
///
/// Lifetime  the caller keeps *this and its buffers alive until the finish function runs.
/// Threads   its loop's thread only; distinct operations are independent.
/// Cost      24 bytes; submit and finish are O(1) and allocate nothing.
class operation_base : pinned {
 public:
  /// Has it begun, and not finished yet?
  [[nodiscard]] bool in_flight() const noexcept { return in_flight_; }

 protected:
  using finish_fn = void(operation_base&, completion);  // must not throw; may destroy *this
  /// finish is called with each completion.
  explicit operation_base(finish_fn& finish) noexcept : finish_(&finish) {}
  /// Replaces the finish function.
  void finish_by(finish_fn& finish) noexcept { finish_ = &finish; }
  ~operation_base() { BRAID_ASSERT(!in_flight_); }

 private:
  friend class operation_context;  // writes what follows; clears in_flight_ before finish
  friend class detail::inbox;
  friend class reactor;
  friend class detail::operations_of;
  friend class detail::task_tracker;  // replaces finish_ by its own
  friend class detail::timer_queue;
  friend class timer_base;  // for next_
  void mark_begun() noexcept { in_flight_ = true; }
  void finish(completion ended) noexcept {
    in_flight_ = false;
    finish_(*this, ended);
    detail::run_parked();
  }
  void mark_withdrawn() noexcept { in_flight_ = false; }
  void finish_in_part(completion part) noexcept {
    finish_(*this, part);
    detail::run_parked();
  }

  operation_base* next_;  // while it is in a queue or a list
  finish_fn* finish_;
  bool in_flight_ = false;

 public:
  using queue = detail::intrusive_queue<operation_base, &operation_base::next_>;
};
static_assert(sizeof(operation_base) == 24);

}  // namespace braid
