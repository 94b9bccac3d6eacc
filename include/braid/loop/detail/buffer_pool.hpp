#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "braid/base/pinned.hpp"
#include "braid/loop/operation.hpp"

namespace braid {
class operation_context;
}  // namespace braid

namespace braid::detail {

/// The buffers of one loop into which requests with opcode::receive_many receive. A free buffer is in a ring,
/// from which the kernel, or a reactor in its place, takes the oldest one for bytes that have arrived. It
/// belongs to the receiver of the bytes until give_back.
///
/// A few buffers are in use at first. When none is free, their number doubles, up to a limit; beyond it an
/// operation waits until a buffer is given back.
///
/// Lifetime  the loop's, and longer while a user is left: join and leave.
/// Threads   the loop's; another one aborts the program.
/// Cost      address space for the limit at the first use; a buffer takes memory once it has been used.
/// Source    io_uring_register_buf_ring(3).
class buffer_pool : pinned {
 public:
  static constexpr std::uint32_t size = 4096;  ///< of a buffer, in bytes
  static constexpr unsigned most_buffers = 32768;  ///< what the kernel takes

  /// At most `limit` buffers, from 1 to most_buffers. Throws std::bad_alloc.
  buffer_pool(operation_context& home, unsigned limit);

  // ---- for the reactor

  /// As struct io_uring_buf. The tail of the ring is in the first entry.
  struct entry {
    std::uint64_t address;
    std::uint32_t length;
    std::uint16_t id;
    std::uint16_t tail;
  };
  [[nodiscard]] entry* ring() const noexcept { return ring_; }
  [[nodiscard]] unsigned ring_entries() const noexcept { return mask_ + 1; }
  /// The ring is the kernel's, which takes the buffers itself.
  void belongs_to_kernel() noexcept { of_kernel_ = true; }
  /// For a reactor that fills buffers itself: the oldest free buffer, or none.
  [[nodiscard]] std::optional<std::uint16_t> take() noexcept;
  /// No bytes came into the buffer that was taken last.
  void put_back() noexcept { --head_; }
  [[nodiscard]] char* data(std::uint16_t id) const noexcept { return data_ + std::size_t{id} * size; }

  // ---- for those who receive

  /// The buffer came with that many bytes, which may be read now.
  void received(std::uint16_t id, std::size_t bytes) noexcept;
  /// What its receiver notes of it: how many bytes it has, and which buffer came after it.
  struct note {
    std::uint16_t size, next;
  };
  [[nodiscard]] note& about(std::uint16_t id) noexcept { return notes_[id]; }
  /// Its bytes are of no use any more.
  void give_back(std::uint16_t id) noexcept;
  /// A request found no buffer. Might the next one? False if first one must be given back. Of the kernel's
  /// buffers some that count as free may have been taken by completions that nobody has seen yet, and the
  /// same may happen again: so there are to be more once half of them are held.
  [[nodiscard]] bool may_try_again() noexcept { return 2 * free() > count_ || grow() || free() != 0; }
  /// Changes with each buffer that is received into.
  [[nodiscard]] std::uint16_t received_so_far() const noexcept { return received_; }
  [[nodiscard]] unsigned limit() const noexcept { return limit_; }
  /// Makes the operation, which is not in flight, ready once a buffer is given back.
  void await_buffer(operation_base& operation) noexcept { starved_.push_back(operation); }
  void forget(operation_base& operation) noexcept { (void)starved_.remove(operation); }
  /// The next operation that waits gets the buffer that this one does not need.
  void wake_one() noexcept;

  [[nodiscard]] operation_context& home() const noexcept { return *home_; }
  void join() noexcept { ++users_; }
  void leave() noexcept {
    if (--users_ == 0) delete this;
  }
  /// The loop ends. The pool stays until its last user leaves it.
  void loop_ends() noexcept;
  /// Aborts with that message on any thread but the loop's.
  void check_thread(const char* what) const noexcept {
    if (thread_ != &here_) wrong_thread(what);
  }

 private:
  ~buffer_pool();
  [[nodiscard]] unsigned free() const noexcept {
    return of_kernel_ ? count_ - held_ : static_cast<std::uint16_t>(tail_ - head_);
  }
  [[nodiscard]] bool grow() noexcept;  // false at the limit
  void provide(std::uint16_t id) noexcept;
  [[noreturn]] static void wrong_thread(const char* what) noexcept;

  static constinit thread_local inline char here_ = 0;  // its address names the thread

  // constant
  operation_context* home_;  // null once the loop has ended
  const char* const thread_ = &here_;
  const unsigned limit_;
  unsigned mask_;
  std::size_t mapped_bytes_;
  entry* ring_;
  char* data_;
  note* notes_;
  bool of_kernel_ = false;
  // this thread
  std::uint16_t head_ = 0, tail_ = 0;
  std::uint16_t received_ = 0;
  unsigned count_ = 0;  // buffers in use
  unsigned held_ = 0;  // of these, received and not given back
  std::size_t users_ = 1;
  operation_base::queue starved_;
};

}  // namespace braid::detail
