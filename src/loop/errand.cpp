#include "errand.hpp"

namespace braid {

errand::errand(errand_sender& from, io_operation& operation) noexcept
    : blocking_job(on_thread),
      operation_base(on_loop),
      from_(from),
      operation_(operation),
      home_(loop::current()) {}

void errand::begin() noexcept {
  home_.expect_delivery();
  try {
    home_.offload(*this);
  } catch (...) {
    home_.deliver(*this);  // not make_ready: the loop may be about to sleep, and looks at its inbox alone
  }
}

bool errand::withdraw() noexcept {
  if (!blocking_pool::instance().withdraw(*this)) return false;
  home_.delivery_came();
  return true;
}

void errand::on_thread(blocking_job& job) noexcept {
  auto& self = static_cast<errand&>(job);
  self.ended_ = perform(self.operation_.what());
  self.home_.deliver(self);
}

void errand::on_loop(operation_base& base, completion) noexcept {
  auto& self = static_cast<errand&>(base);
  self.home_.delivery_came();
  self.from_.came_back(self);
}

}  // namespace braid
