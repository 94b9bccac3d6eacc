#include "braid/style/task.hpp"

#include <atomic>
#include <cstddef>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>

#include "braid/base/detail/frame_pool.hpp"
#include "braid/base/detail/nested_call.hpp"
#include "braid/core/detail/find_mistake.hpp"

namespace braid::detail {

namespace {

// Delivers the end of a task that moved to another loop to its awaiter's loop. That loop counts it as work
// (`expected`) if the task left by resume_on.
struct task_delivery final : operation_base, pooled {
  task_delivery(task_promise_base::done_fn* f, void* s, loop& l, bool e) noexcept
      : operation_base(on_finish), done(f), state(s), home(l), expected(e) {}
  // For a task that another library's sender took to another thread. Without memory all such tasks share one
  // object, one after the other.
  static task_delivery& make(task_promise_base::done_fn* f, void* s, loop& l) noexcept {
    try {
      return *new task_delivery(f, s, l, false);
    } catch (const std::bad_alloc&) {
      while (last_resort_taken.exchange(true, std::memory_order_acquire)) std::this_thread::yield();
      return *::new (&last_resort) task_delivery(f, s, l, false);
    }
  }
  void end() noexcept {
    if (static_cast<void*>(this) != &last_resort) {
      delete this;
      return;
    }
    this->~task_delivery();
    last_resort_taken.store(false, std::memory_order_release);
  }
  static void leave(void* self) noexcept {
    auto& going = *static_cast<task_delivery*>(self);
    going.home.operations().deliver(going);
  }
  static void on_finish(operation_base& base, completion) noexcept {
    auto& self = static_cast<task_delivery&>(base);
    const auto call_done = self.done;
    void* const with = self.state;
    if (self.expected) self.home.operations().delivery_arrived();
    self.end();
    if (call_done != nullptr) return call_done(with);
    resume(std::coroutine_handle<>::from_address(with));
  }
  task_promise_base::done_fn* done;
  void* state;
  loop& home;
  const bool expected;

  static std::atomic<bool> last_resort_taken;
  static std::byte last_resort[];
};
std::atomic<bool> task_delivery::last_resort_taken{false};
alignas(task_delivery) std::byte task_delivery::last_resort[sizeof(task_delivery)];

}  // namespace

void task_used_twice() {
  throw std::logic_error("task: it was moved from, or awaited or given to a verb before; a task runs once");
}

// An exception, or the loop's end, may destroy tasks before their turn has come. A coroutine's parameters are
// destroyed when its exception has been caught already.
void drop_unbegun(std::coroutine_handle<> task, const async_frame& frame) noexcept {
  const loop* const here = loop::current_or_null();
  if (checks_on && std::uncaught_exceptions() == 0 && !task_tracker::is_failing() &&
      (here == nullptr || !here->ending())) [[unlikely]] {
    find_mistake(mistake::unbegun_task, frame.where, [&] {
      return finding{
          mistake::unbegun_task,
          "a task was dropped that was never awaited nor given to a verb: " + format_place(frame.where),
          task_tracker::stack_here()};
    });
  }
  destroy_nested(task);
}

error task_promise_base::no_co_return() noexcept {
  error failure = error::out_of_memory();
  try {
    failure = std::make_exception_ptr(
        std::logic_error("task: it ended without co_return, in " + format_place(frame()->where)));
  } catch (const std::bad_alloc&) {
    // reported as out of memory
  }
  attach_stack(failure, frame());
  return failure;
}

error task_promise_base::current_failure() noexcept {
  if (checks_on) task_tracker::note_failure();
  error failure = error::current();
  attach_stack(failure, frame());
  return failure;
}

void task_promise_base::resume_awaiter_at_home() noexcept {
  if (home() == nullptr) return resume_awaiter_here();
  if (loop::current_or_null() == home()) {
    arrive_on(*home());  // the task came back without resume_on
    return resume_awaiter_here();
  }
  task_delivery& going =
      clear_away() ? *static_cast<task_delivery*>(state_) : task_delivery::make(done_, state_, *home());
  park(task_delivery::leave, &going);
}

void task_promise_base::depart_for(const loop& there) {
  if (!leaves_for(there)) return;
  state_ = new task_delivery(done_, state_, *home(), true);
  coroutine_promise::depart_for(there);
}

void task_promise_base::arrive_on(const loop& here) noexcept {
  if (!returns_to(here)) return;
  auto* const unused = static_cast<task_delivery*>(state_);
  state_ = unused->state;
  delete unused;
  coroutine_promise::arrive_on(here);
}

}  // namespace braid::detail
