#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "braid/loop/loop.hpp"
#include "braid/loop/operation.hpp"

namespace braid::detail {

// Signals of the process, as messages to a loop. The handler may run on any thread. It notes the signal in
// each listener that asked for it, and delivers the listener to its loop, which calls on_signal there.
//
// Lifetime  made and destroyed on its loop's thread, destroyed before the loop. With the last listener for a
//           signal the signal gets the action that it had before the first, unless the program has set
//           another one in between.
// Threads   a signal that the thread blocks is unblocked there while the listener lives: with all threads
//           blocking it, it would never arrive.
// Fork      the child gets the actions from before the listeners, which do nothing there.
class signal_listener : operation_base {
 public:
  // In a forked child.
  static void after_fork() noexcept;

 protected:
  using signal_fn = void(signal_listener&) noexcept;
  // Throws std::logic_error without a loop, std::system_error for a signal that cannot be caught.
  signal_listener(const char* call, std::span<const int> signals, signal_fn& on_signal);
  ~signal_listener();

  [[nodiscard]] loop& home() const noexcept { return home_; }
  // The lowest signal that has arrived and was not taken; 0 if there is none.
  [[nodiscard]] int take() noexcept;
  void put_back(int signal) noexcept;

 private:
  static void handle(int signal) noexcept;
  static void on_delivery(operation_base& base, completion) noexcept;
  void install(const char* call);
  void unblock() noexcept;
  void block_again() noexcept;

  loop& home_;
  signal_fn& on_signal_;
  std::uint64_t signals_ = 0;  // a bit each
  std::uint64_t unblocked_ = 0;  // those that the thread blocks without listeners
  // written by the handler, on any thread
  std::atomic<std::uint64_t> arrived_{0};
  std::atomic<bool> on_its_way_{false};  // to the loop
  std::atomic<signal_listener*> next_{nullptr};
};

}  // namespace braid::detail
