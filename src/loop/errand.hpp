#pragma once

#include <cstdint>

#include "braid/base/frame_pool.hpp"
#include "braid/base/intrusive_list.hpp"
#include "braid/loop/blocking_pool.hpp"
#include "braid/loop/loop.hpp"

namespace braid {

/// Who sends requests to threads that may block, and is told on its loop's thread when one has come back.
class errand_sender {
 public:
  virtual void came_back(class errand& one) noexcept = 0;

 protected:
  ~errand_sender() = default;
};

/// One request on its way to such a thread and back.
///
/// Lifetime  its sender keeps it from begin until it is back or was withdrawn, then deletes it.
/// Cancel    withdraw, while no thread has begun it; then it can only be waited for.
class errand final : public list_node, public pooled, blocking_job, operation_base {
 public:
  using pooled::operator new, pooled::operator delete;
  errand(errand_sender& from, io_operation& operation) noexcept;

  /// Hands it over. Where there is no thread for it, it comes back all the same, with -EAGAIN.
  void begin() noexcept;
  /// False when a thread has begun it.
  [[nodiscard]] bool withdraw() noexcept;

  [[nodiscard]] io_operation& operation() const noexcept { return operation_; }
  /// Once it is back.
  [[nodiscard]] std::int32_t ended() const noexcept { return ended_; }

 private:
  static void on_thread(blocking_job& job) noexcept;
  static void on_loop(operation_base& base, completion) noexcept;

  errand_sender& from_;
  io_operation& operation_;
  loop& home_;
  std::int32_t ended_ = -EAGAIN;  // written by the thread
};

}  // namespace braid
