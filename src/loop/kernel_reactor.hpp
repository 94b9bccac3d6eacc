#pragma once

#include <time.h>

#include <chrono>

#include "braid/loop/detail/cache_history.hpp"
#include "braid/loop/reactor.hpp"

namespace braid::detail {

/// Throws std::system_error for a call that a reactor cannot do without; EMFILE with its remedy.
[[noreturn]] void throw_refused(int code, const char* call);

/// What the reactors of the kernel share: the clock, the wake-up, and a wait for nothing else.
class kernel_reactor : public reactor {
 public:
  void wake() noexcept final;
  std::int32_t read_cached(const request& what) noexcept override;
  loop_clock::time_point now() const noexcept final {
    timespec now;
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return loop_clock::time_point(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
  }

 protected:
  /// Throws std::system_error.
  kernel_reactor();
  ~kernel_reactor() override { close_wake_descriptor(); }
  void close_wake_descriptor() noexcept;

  /// How long it is until then; zero if it is past.
  [[nodiscard]] loop_clock::duration left_until(loop_clock::time_point limit) const noexcept {
    const auto here = now();
    return limit > here ? limit - here : loop_clock::duration::zero();
  }
  /// A duration as the kernel wants it: timespec or its like.
  template <class Time>
  [[nodiscard]] static Time kernel_time(loop_clock::duration length) noexcept {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(length);
    return {seconds.count(), (length - seconds).count()};
  }
  /// Waits for a wake-up, at most until limit; without one if limit is time_point::max().
  void await_wake(loop_clock::time_point limit) noexcept;

  int wake_descriptor_;

 private:
  cache_history cached_;
};

}  // namespace braid::detail
