#pragma once

#include <atomic>
#include <vector>

#include "braid/loop/detail/blocking_pool.hpp"
#include "braid/loop/reactor.hpp"
#include "computer.hpp"
#include "schedule/timeline.hpp"

namespace braid::sim::detail {

// The reactor of a host's loop. It finishes one operation a turn, drawn from the completions there are;
// without any, the host sleeps until the world runs it again.
class sim_reactor final : public reactor {
 public:
  // alone: a program runs the loop itself, on virtual time; no world drives it.
  sim_reactor(computer& of, timeline& time, bool alone);
  ~sim_reactor() override;

  const char* name() const noexcept override { return "simulation"; }
  void submit(io_operation& operation) noexcept override;
  void cancel(io_operation& operation) noexcept override { machine_.cancel(operation); }
  void cancel_all() noexcept override { machine_.cancel_all(); }
  void turn(patience how_long, braid::detail::inbox& messages) noexcept override;
  void wake() noexcept override;
  void touched() noexcept override;
  std::size_t choose(std::size_t n) override { return machine_.within().draws().among(n); }
  loop_clock::time_point now() const noexcept override { return computer_.now(); }
  std::size_t in_flight() const noexcept override { return machine_.in_flight() + refused_count_; }
  void offload(braid::detail::blocking_job& job) override;
  bool withdraw(braid::detail::blocking_job& job) noexcept override;
  bool simulates_threads() const noexcept override { return true; }
  direct_calls& direct() noexcept override { return machine_; }
  // Null before the first offer_buffers.
  [[nodiscard]] braid::detail::buffer_pool* buffers() const noexcept { return buffers_; }

  // ---- for the world

  // True if its loop can do something now.
  [[nodiscard]] bool runnable() const noexcept;
  // When it wakes by itself, in the world's time; time_point::max() for never.
  [[nodiscard]] loop_clock::time_point wakes_at() const noexcept;
  void begin_turn() noexcept;

 private:
  [[nodiscard]] loop_clock::time_point deadline() const noexcept;
  void finish_one(std::size_t which) noexcept;
  void run_job(std::uint64_t number) noexcept;
  void wait_alone(loop_clock::time_point until) noexcept;

  computer& computer_;
  timeline& time_;
  machine& machine_;
  const bool alone_;
  struct offloaded {
    std::uint64_t number;
    braid::detail::blocking_job* job;
  };
  std::vector<offloaded> jobs_;
  std::uint64_t jobs_begun_ = 0;
  operation_base::queue refused_;  // there was no memory to submit them
  std::size_t refused_count_ = 0;
  bool sleeping_ = false;
  loop_clock::time_point until_{};
  std::atomic<bool> woken_{false};  // any thread
};

}  // namespace braid::sim::detail
