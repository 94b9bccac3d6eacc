#include "braid/style/task.hpp"

#include "braid/base/frame_pool.hpp"

namespace braid::detail {

namespace {

// Brings the end of a task that moved to another loop back to its awaiter's.
struct homecoming final : operation_base, pooled {
  homecoming(void (*tell)(void*) noexcept, void* promise) noexcept
      : operation_base(come), tell_here(tell), ended(promise) {}
  static void come(operation_base& base, completion) noexcept {
    auto& self = static_cast<homecoming&>(base);
    const auto tell = self.tell_here;
    void* const promise = self.ended;
    delete &self;
    tell(promise);
  }
  void (*tell_here)(void*) noexcept;
  void* ended;
};

}  // namespace

error task_promise_base::current_failure() noexcept {
  error failure = error::current();
  attach_stack(failure, frame());
  return failure;
}

void task_promise_base::tell_at_home() noexcept {
  const auto tell = [](void* promise) noexcept { static_cast<task_promise_base*>(promise)->tell_here(); };
  home_->deliver(*new homecoming(tell, this));
}

}  // namespace braid::detail
