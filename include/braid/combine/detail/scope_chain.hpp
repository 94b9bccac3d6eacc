#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "braid/base/detail/frame_pool.hpp"
#include "braid/base/detail/intrusive_list.hpp"
#include "braid/core/stop_token.hpp"
#include "braid/style/detail/future_state.hpp"

namespace braid::detail {

class scope_join;

// Tells objects that can outlive a scope whether it still lives.
//
// Threads  references are counted on any thread; scope() and end() on the thread of the scope's loop.
class scope_life : public pooled, pinned {
 public:
  class reference {
   public:
    reference() noexcept = default;
    explicit reference(scope_life& life) noexcept : life_(&life) { add(); }
    reference(const reference& other) noexcept : life_(other.life_) { add(); }
    reference(reference&& other) noexcept : life_(std::exchange(other.life_, nullptr)) {}
    reference& operator=(reference other) noexcept {
      std::swap(life_, other.life_);
      return *this;
    }
    ~reference() {
      if (life_ != nullptr && life_->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete life_;
    }
    explicit operator bool() const noexcept { return life_ != nullptr; }
    /// Null once the scope has ended.
    [[nodiscard]] scope_join* scope() const noexcept { return life_ != nullptr ? life_->scope_ : nullptr; }
    void end() const noexcept { life_->scope_ = nullptr; }

   private:
    void add() noexcept {
      if (life_ != nullptr) life_->references_.fetch_add(1, std::memory_order_relaxed);
    }
    scope_life* life_ = nullptr;
  };

  [[nodiscard]] static reference of(scope_join& scope) { return reference(*new scope_life(scope)); }

 private:
  explicit scope_life(scope_join& scope) noexcept : scope_(&scope) {}
  scope_join* scope_;
  std::atomic<std::uint32_t> references_{0};
};

// One link of a chain on a scope's child. The scope waits for it and stops it.
//
// Threads  the scope's loop's; any thread may destroy it once its link has ended.
class scope_chain final : public chain_hold, public list_node {
 public:
  scope_chain(scope_join* scope, future_state_base& link, bool isolated) noexcept
      : scope_(scope), link_(link), isolated_(isolated) {}
  /// For a chain on a child of `scope`, which is null if it has ended.
  [[nodiscard]] static std::unique_ptr<chain_hold> begin(scope_join* scope, future_state_base& link,
                                                         bool isolated);

  [[nodiscard]] chain_scope* link_ended(const error* failure) noexcept override;
  void abandon() noexcept override;
  [[nodiscard]] std::unique_ptr<chain_hold> hold_for(future_state_base& link) override;
  [[nodiscard]] bool is_isolated() const noexcept override { return isolated_; }
  [[nodiscard]] bool take_unseen(const error& failure) noexcept override;
  /// Called when the scope ends with its loop.
  void lose_scope() noexcept;

 private:
  struct on_scope_stop {
    scope_chain* self;
    void operator()(stop_reason why) const noexcept { self->link_.request_stop(why); }
  };

  scope_join* scope_;  // until the link has ended
  future_state_base& link_;
  const bool isolated_;
  scope_life::reference life_;
  std::optional<stop_callback<on_scope_stop>> scope_stops_;
};

}  // namespace braid::detail
