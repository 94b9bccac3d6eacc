#include "braid/loop/descriptor.hpp"

#include <new>

#include "braid/base/detail/frame_pool.hpp"
#include "braid/loop/direct_calls.hpp"

namespace braid {

namespace {

// A close without a waiter.
struct close_unawaited final : io_operation, detail::pooled {
  explicit close_unawaited(int descriptor) noexcept
      : io_operation(on_finish, what),
        what{.code = opcode::cancel_descriptor, .descriptor = descriptor},
        outcome(descriptor) {}
  static void on_finish(operation_base& base, completion with) noexcept {
    auto& self = static_cast<close_unawaited&>(static_cast<io_operation&>(base));
    if (self.outcome.again(with.result, self.what)) return loop::current().operations().submit(self);
    delete &self;
  }
  request what;
  detail::close_outcome outcome;
};

}  // namespace

void close_detached(int descriptor) noexcept {
  loop* here = loop::current_or_null();
  if (here != nullptr && here->in_flight() != 0) {
    try {
      return here->operations().submit(*new close_unawaited(descriptor));
    } catch (const std::bad_alloc&) {
      // closed below, without a request
    }
  }
  (void)direct_calls::current().close(descriptor);
}

}  // namespace braid
