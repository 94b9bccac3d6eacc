#pragma once

#include <new>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

#include "braid/core/defer.hpp"
#include "braid/core/detail/inner_receiver.hpp"
#include "braid/core/sender.hpp"
#include "braid/style/detail/future_state.hpp"

namespace braid::detail {

// Stands in for resident if the loop need not keep the spawned operation.
struct unkept {
  virtual void abandon() noexcept = 0;  // never called

 protected:
  ~unkept() = default;
};

// A future's state with its operation inside. It is a resident of its loop, which destroys it if the loop
// ends first; unless the operation has completes_later, and so always ends before its loop.
template <sender S>
class spawned final : public future_state<value_of<S>>,
                      std::conditional_t<completes_later<S>, unkept, resident> {
  using value_type = value_of<S>;

 public:
  spawned(S&& op, loop& home, std::source_location where) : future_state<value_type>(&home, where) {
    operation_.emplace(elided{[&] { return connect(std::move(op), receiver{this}); }});
    if constexpr (!completes_later<S>) home.operations().adopt(*this);
    this->track();
  }

  ~spawned() override {}

  void begin() noexcept { operation_->start(); }

  bool request_stop(stop_reason why) noexcept override {
    stop_.request_stop(why);
    return true;
  }

  // For the operation.
  void finish(result<value_type>&& ended) noexcept {
    if (!ended) [[unlikely]]
      return fail(std::move(ended));
    end(std::move(ended));
  }
  [[nodiscard]] stop_token child_stop_token() noexcept { return stop_.get_token(); }
  using future_state<value_type>::frame;

 private:
  using receiver = inner_receiver<spawned, value_type>;

  [[gnu::cold, gnu::noinline]] void fail(result<value_type>&& failed) noexcept {
    const loop* const here = loop::current_or_null();
    if (stop_.stop_requested() || (here != nullptr && here->ending())) failed.error().set_requested(true);
    failed.error().set_stop_reason(stop_.reason());
    attach_stack(failed.error(), this->frame());
    end(std::move(failed));
  }
  [[gnu::always_inline]] void end(result<value_type>&& ended) noexcept {
    if constexpr (!ends_at_home<S>)
      if (loop::current_or_null() != this->home()) [[unlikely]]
        return end_elsewhere(std::move(ended));
    if constexpr (!completes_later<S>) this->unlink();
    this->set(std::move(ended));
  }
  // Only the home loop's thread may change its list of residents.
  void end_elsewhere(result<value_type>&& ended) noexcept {
    this->keep(std::move(ended));
    this->home()->operations().deliver(*new (&delivery_.end) end_delivery(*this));
  }
  void abandon() noexcept override {
    operation_.reset();
    if (!this->has_result()) return this->set(this->cut_off());
    if constexpr (!ends_at_home<S>) {  // it ended on another thread meanwhile
      this->home()->operations().withdraw_ready(delivery_.end);
      delivery_.end.~end_delivery();
      this->settle();
    }
  }

  struct end_delivery final : operation_base {
    explicit end_delivery(spawned& state) noexcept : operation_base(on_delivery), of(state) {}
    static void on_delivery(operation_base& base, completion) noexcept {
      spawned& state = static_cast<end_delivery&>(base).of;
      state.delivery_.end.~end_delivery();
      state.unlink();
      state.settle();
    }
    spawned& of;
  };

  union room_for_delivery {
    room_for_delivery() noexcept {}
    ~room_for_delivery() {}
    end_delivery end;  // alive from an end on another thread until the home loop settles the state
  };
  struct no_delivery {};

  stop_source stop_;
  std::optional<connected<S, receiver>> operation_;
  [[no_unique_address]] std::conditional_t<ends_at_home<S>, no_delivery, room_for_delivery> delivery_;
};

}  // namespace braid::detail
