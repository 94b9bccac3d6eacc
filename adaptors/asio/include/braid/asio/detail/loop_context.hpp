#pragma once

#include <atomic>
#include <boost/asio/execution_context.hpp>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <utility>

#include "braid/base/detail/frame_pool.hpp"
#include "braid/loop/loop.hpp"

namespace braid::detail {

// A function that an executor sends to the loop.
template <class F>
class sent_function final : operation_base, public pooled {
 public:
  explicit sent_function(F&& f) : operation_base(on_delivery), f_(std::move(f)) {}
  void send_to(loop& home) noexcept { home.operations().deliver(*this); }

 private:
  static void on_delivery(operation_base& base, completion) noexcept {
    std::unique_ptr<sent_function> self(&static_cast<sent_function&>(base));
    try {
      F f = std::move(self->f_);
      self.reset();  // f may begin an operation, which then reuses the block
      std::move(f)();
    } catch (...) {
      loop::current("loop_executor").report_unhandled(error::current(), nullptr);
    }
  }

  F f_;
};

// What Asio keeps beside a loop: the services of the I/O objects on it, and how many of their operations are
// outstanding. The first loop_executor of a loop makes it.
//
// Lifetime  the loop's end destroys the handlers that wait, in its first turn, so that no operation is
//           left in which a coroutine waits without end. It destroys the services last, behind all
//           coroutines, which may own I/O objects.
// Threads   the loop's; any thread may call work_began, work_ended and execute.
class loop_context final : public boost::asio::execution_context, outside_work, resident {
 public:
  // The loop's own; made by the first call. On the loop's thread.
  [[nodiscard]] static loop_context& of(loop& home) {
    for (loop_context* each = first_; each != nullptr; each = each->next_)
      if (&each->home_ == &home) return *each;
    if (!home.is_here())
      throw std::logic_error("loop_executor: this is not the loop's thread; copy an executor made there");
    return *new loop_context(home);
  }

  // Does a function that the executor gets now run within the call?
  [[nodiscard]] bool runs_here() const noexcept {
    return loop::current_or_null() == &home_ && (home_.running() || home_.ending());
  }

  template <class F>
  void execute_later(F f) {
    if (loop::current_or_null() == &home_ && home_.ending()) return;  // as loop::post does
    (new sent_function<F>(std::move(f)))->send_to(home_);
  }

  void work_began() noexcept {
    if (work_.fetch_add(1) == 0) work_changed();
  }
  void work_ended() noexcept {
    if (work_.fetch_sub(1) == 1) work_changed();
  }

 private:
  // Sent to the loop by the thread whose executor was the first or the last one with outstanding work.
  struct change final : operation_base {
    explicit change(loop_context& whole) noexcept : operation_base(on_delivery), self(whole) {}
    static void on_delivery(operation_base& base, completion) noexcept {
      loop_context& self = static_cast<change&>(base).self;
      self.change_travels_.store(false);
      self.count_work();
    }
    loop_context& self;
  };
  // Made ready once the loop ends, so that it runs when all operations have been asked to stop.
  struct end final : operation_base {
    explicit end(loop_context& whole) noexcept : operation_base(on_ready), self(whole) {}
    static void on_ready(operation_base& base, completion) noexcept {
      static_cast<end&>(base).self.shutdown();
    }
    loop_context& self;
  };

  explicit loop_context(loop& home) : home_(home) {
    operation_context& operations = home_.operations();
    operations.begin_outside(*this);
    operations.delivery_arrived();  // only outstanding work keeps run() going
    operations.adopt(*this);
    next_ = std::exchange(first_, this);
  }
  ~loop_context() = default;

  void work_changed() noexcept {
    if (loop::current_or_null() == &home_)
      count_work();
    else if (!change_travels_.exchange(true))
      home_.operations().deliver(change_);
  }
  void count_work() noexcept {
    const bool outstanding = work_.load() != 0;
    if (outstanding == std::exchange(counted_, outstanding)) return;
    // The loop's end does not wait for it: its handlers are destroyed instead.
    outstanding ? home_.operations().expect_foreign() : home_.operations().foreign_ended();
  }

  void stop() noexcept override { home_.operations().make_ready(end_); }
  // The loop destroys what was left with it in the order of adoption. Coroutines may stand behind *this.
  void abandon() noexcept override {
    if (!std::exchange(last_, true)) return home_.operations().adopt(*this);
    home_.operations().expect_delivery();
    home_.operations().end_outside(*this);
    loop_context** link = &first_;
    while (*link != this) link = &(*link)->next_;
    *link = next_;
    delete this;
  }

  // this thread's
  static constinit thread_local inline loop_context* first_ = nullptr;

  // constant
  loop& home_;
  // the loop's thread
  loop_context* next_ = nullptr;
  bool counted_ = false;
  bool last_ = false;
  end end_{*this};
  // any thread
  std::atomic<std::size_t> work_{0};
  std::atomic<bool> change_travels_{false};
  change change_{*this};
};

}  // namespace braid::detail
