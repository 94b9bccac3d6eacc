#include "errand.hpp"

#include <utility>

#include "carried_request.hpp"

#include "braid/loop/detail/perform.hpp"

namespace braid::detail {

errand::errand(errand_sender& from, io_operation& operation)
    : operation_base(on_loop),
      from_(from),
      operation_(operation),
      home_(loop::current()),
      carried_(new carried_request(operation.what(), home_, *this)) {}

errand::~errand() { delete carried_; }

void errand::begin() noexcept {
  home_.operations().expect_delivery();
  try {
    home_.operations().offload(*carried_);
  } catch (...) {
    if (operation_.what().code == opcode::close) ended_ = perform(operation_.what());  // a close must happen
    delete std::exchange(carried_, nullptr);
    home_.operations().deliver(
        *this);  // not make_ready: the loop may be about to sleep, and then checks only its inbox
  }
}

bool errand::end_early() noexcept {
  if (carried_ == nullptr) return true;  // it is on its way back
  if (home_.operations().withdraw(*carried_)) {
    delete carried_;
    ended_ = -ECANCELED;
  } else if (blocking_pool::abandon(*carried_)) {
    ended_ = operation_.what().code == opcode::close ? 0 : -ECANCELED;  // the thread still closes it
  } else {
    return false;
  }
  carried_ = nullptr;
  home_.operations().deliver(*this);
  return true;
}

void errand::on_loop(operation_base& base, completion) noexcept {
  auto& self = static_cast<errand&>(base);
  if (self.carried_ != nullptr) self.ended_ = self.carried_->result();
  self.home_.operations().delivery_arrived();
  self.from_.on_errand_finished(self);
}

}  // namespace braid::detail
