#include "braid/loop/detail/transfer.hpp"

#include <new>

#include "braid/base/detail/frame_pool.hpp"
#include "braid/loop/loop.hpp"

namespace braid::detail {

void run_all_parked() {
  transfer_state& here = transfers;
  while (here.parked != nullptr) std::exchange(here.parked, nullptr)(here.parked_argument);
}

namespace {

struct late_call final : operation_base, pooled {
  late_call(void (*f)(void*), void* a) noexcept : operation_base(on_finish), function(f), argument(a) {}
  static void on_finish(operation_base& base, completion) noexcept {
    auto& self = static_cast<late_call&>(base);
    const auto called = self.function;
    void* const with = self.argument;
    delete &self;
    called(with);
  }
  void (*function)(void*);
  void* argument;
};

}  // namespace

// When the stack is too deep it must unwind first, so the loop makes the call later. Without memory for that
// the call goes deeper.
void run_or_park(void (*function)(void*), void* argument) {
  if (transfers.too_deep()) {
    try {
      return loop::current("resume").operations().make_ready(*new late_call(function, argument));
    } catch (const std::bad_alloc&) {}
  }
  const transfer_base here;
  function(argument);
  run_parked();
}

}  // namespace braid::detail
