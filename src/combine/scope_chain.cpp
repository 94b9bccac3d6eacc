#include "braid/combine/detail/scope_chain.hpp"

#include "braid/combine/detail/scope_join.hpp"

namespace braid::detail {

std::unique_ptr<chain_hold> scope_chain::begin(scope_join* scope, future_state_base& link, bool isolated) {
  auto made = std::make_unique<scope_chain>(scope, link, isolated);
  if (scope == nullptr) return made;
  made->life_ = scope->life();
  scope->enter(*made);
  made->scope_stops_.emplace(scope->child_stop_token(), on_scope_stop{made.get()});
  return made;
}

chain_scope* scope_chain::link_ended(const error* failure) noexcept {
  scope_stops_.reset();
  if (scope_ == nullptr) return nullptr;
  unlink();
  if (failure != nullptr && (!isolated_ || failure->is_requested_cancellation()))
    scope_->chain_failed(*failure);
  return std::exchange(scope_, nullptr);
}

// Does not report to the scope, which ends with the loop, too.
void scope_chain::abandon() noexcept {
  scope_stops_.reset();
  if (linked()) unlink();
  scope_ = nullptr;
}

void scope_chain::lose_scope() noexcept {
  scope_stops_.reset();
  scope_ = nullptr;
}

std::unique_ptr<chain_hold> scope_chain::hold_for(future_state_base& link) {
  return begin(scope_ != nullptr ? scope_ : life_.scope(), link, isolated_);
}

bool scope_chain::take_unseen(const error& failure) noexcept {
  scope_join* const scope = life_.scope();
  if (scope != nullptr) scope->chain_failed(failure);
  return scope != nullptr;
}

}  // namespace braid::detail
