#pragma once

#include <cstdint>
#include <optional>
#include <system_error>

#include "braid/base/detail/intrusive_list.hpp"
#include "braid/base/error.hpp"
#include "braid/loop/clock.hpp"
#include "braid/loop/detail/blocking_pool.hpp"
#include "braid/loop/loop.hpp"

namespace braid::detail {

class pool_owner;
class pool_threads;

/// A function on its way through the blocking pool, or through the threads of an offload_pool.
///
/// run()           calls the function, on a thread, and keeps its result. Then `back` is delivered to `home`.
/// on_abandoned()  called on that thread instead, if the job was abandoned: it belongs to nobody else then.
///
/// Threads  submit, withdraw and abandon on home's.
class offload_job : public blocking_job, public list_node {
 public:
  /// Queues the job; to is null for the blocking pool. Returns why no thread will carry it out.
  [[nodiscard]] std::optional<error> submit(pool_owner* to, loop& home, operation_base& back,
                                            const char* call) noexcept;
  /// Takes back a job that no thread has begun; false when one has, or when it was cut off.
  [[nodiscard]] bool withdraw() noexcept;
  /// Leaves a job that runs to its thread; false when it cannot be abandoned, has ended, or was cut off.
  [[nodiscard]] bool abandon() noexcept;
  /// Once `back` was delivered: what ended the job instead of its function, such as its pool's destructor.
  [[nodiscard]] std::optional<error>& cut_off() noexcept { return cut_off_; }
  /// The same: had a thread begun it before?
  [[nodiscard]] bool begun() const noexcept { return begun_; }

 protected:
  enum class fate : std::uint8_t { awaited, can_be_abandoned };
  explicit offload_job(fate how) noexcept : blocking_job(on_thread), fate_(how) {
    if (how == fate::can_be_abandoned) may_take_long();
  }
  virtual ~offload_job() = default;
  virtual void run() noexcept = 0;
  virtual void on_abandoned() noexcept {}

 private:
  friend class pool_threads;
  enum class phase : std::uint8_t { queued, running, abandoned, ended };

  static void on_thread(blocking_job& base) noexcept;
  void deliver() noexcept { home_->operations().deliver(*back_); }

  // constant once it is submitted
  const fate fate_;
  pool_threads* threads_ = nullptr;  // null: the blocking pool's
  loop* home_ = nullptr;
  operation_base* back_ = nullptr;
  // guarded by threads_
  phase phase_ = phase::queued;
  loop_clock::time_point since_{};  // when it was queued
  // written before the delivery
  bool begun_ = false;  // only with threads_
  std::optional<error> cut_off_;
};

}  // namespace braid::detail
