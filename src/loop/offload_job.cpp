#include "braid/loop/detail/offload_job.hpp"

#include "braid/loop/detail/pool_threads.hpp"

namespace braid::detail {

std::optional<error> offload_job::submit(pool_owner* to, loop& home, operation_base& back,
                                         const char* call) noexcept {
  home_ = &home;
  back_ = &back;
  try {
    if (to == nullptr)
      home.operations().offload(*this);
    else
      return (threads_ = &to->threads())->submit(*this, call);
  } catch (...) {
    return error::current();
  }
  return std::nullopt;
}

bool offload_job::withdraw() noexcept {
  return threads_ == nullptr ? home_->operations().withdraw(*this) : threads_->withdraw(*this);
}

bool offload_job::abandon() noexcept {
  if (fate_ != fate::can_be_abandoned) return false;
  return threads_ == nullptr ? blocking_pool::abandon(*this) : threads_->abandon(*this);
}

void offload_job::on_thread(blocking_job& base) noexcept {
  auto& self = static_cast<offload_job&>(base);
  if (self.threads_ != nullptr) return self.threads_->carry_out(self);
  self.run();
  if (self.fate_ == fate::awaited || blocking_pool::end()) return self.deliver();
  self.on_abandoned();
}

}  // namespace braid::detail
