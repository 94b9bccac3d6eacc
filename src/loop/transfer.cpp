#include "braid/loop/transfer.hpp"

#include "braid/base/frame_pool.hpp"
#include "braid/loop/loop.hpp"

namespace braid {

namespace {

struct late_resume final : operation_base, pooled {
  explicit late_resume(std::coroutine_handle<> next) noexcept : operation_base(come), coroutine(next) {}
  static void come(operation_base& base, completion) noexcept {
    auto& self = static_cast<late_resume&>(base);
    const std::coroutine_handle<> next = self.coroutine;
    delete &self;
    resume(next);
  }
  std::coroutine_handle<> coroutine;
};

}  // namespace

// Too deep, the stack must unwind first: the coroutine takes its turn in the loop.
void resume_otherwise(std::coroutine_handle<> next) {
  if (!transfers.too_deep()) return resume(next);
  loop::current("resume").make_ready(*new late_resume(next));
}

}  // namespace braid
