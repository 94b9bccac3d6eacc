#include "braid/style/task.hpp"

#include <stdexcept>
#include <string>

#include "braid/base/frame_pool.hpp"

namespace braid::detail {

namespace {

// Brings the end of a task that moved to another loop back to its awaiter's, which expects it if it saw it
// leave.
struct homecoming final : operation_base, pooled {
  homecoming(task_promise_base::done_fn* f, void* s, loop& l, bool e) noexcept
      : operation_base(come), done(f), state(s), home(l), expected(e) {}
  static void leave(void* self) noexcept {
    auto& going = *static_cast<homecoming*>(self);
    going.home.deliver(going);
  }
  static void come(operation_base& base, completion) noexcept {
    auto& self = static_cast<homecoming&>(base);
    const auto told = self.done;
    void* const with = self.state;
    if (self.expected) self.home.delivery_came();
    delete &self;
    if (told != nullptr) return told(with);
    resume(std::coroutine_handle<>::from_address(with));
  }
  task_promise_base::done_fn* done;
  void* state;
  loop& home;
  const bool expected;
};

}  // namespace

void task_used_twice() {
  throw std::logic_error("task: it was moved from, or awaited or given to a verb before; a task runs once");
}

error task_promise_base::no_co_return() noexcept {
  error failure(std::make_exception_ptr(
      std::logic_error("task: it ended without co_return, in " + format_place(frame()->where))));
  attach_stack(failure, frame());
  return failure;
}

error task_promise_base::current_failure() noexcept {
  error failure = error::current();
  attach_stack(failure, frame());
  return failure;
}

void task_promise_base::tell_at_home() noexcept {
  if (home() == nullptr) return tell_here();
  if (loop::current_or_null() == home()) {
    arrive_on(*home());  // it came by other means than resume_on
    return tell_here();
  }
  park(homecoming::leave, new homecoming(done_, state_, *home(), send_home()));
}

}  // namespace braid::detail
