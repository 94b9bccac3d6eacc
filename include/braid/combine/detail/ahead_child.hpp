#pragma once

#include <optional>
#include <utility>

#include "braid/combine/detail/ahead_run.hpp"
#include "braid/core/defer.hpp"
#include "braid/core/detail/inner_receiver.hpp"
#include "braid/core/sender.hpp"
#include "braid/loop/detail/finishes_at_home.hpp"

namespace braid::detail {

// One operation of an ahead_run, which can be started again and again. Derived::on_result gets its result,
// while the run is held. If Derived has kept_of, on_result gets what that makes of the result while the
// operation state still exists: the result may refer to it.
template <class Derived, class T, sender S>
class ahead_child : public finishes_at_home_with<ahead_child<Derived, T, S>, value_of<S>> {
  using value_type = value_of<S>;

 public:
  explicit ahead_child(ahead_run<T>& run) noexcept : run_(run) {}

  /// Starts the sender that make() returns.
  template <class Make>
  void begin(Make make) noexcept {
    run_.child_begins();
    try {
      state_.emplace(elided{[&] { return connect(make(), receiver{this}); }});
    } catch (...) {
      return this->finish(error::current());
    }
    state_->start();
  }
  void clear() noexcept { state_.reset(); }
  /// The stop token of the operation; Derived may have another one.
  [[nodiscard]] stop_token obeyed() noexcept { return run_.child_stop_token(); }

  // For the operation.
  [[nodiscard]] stop_token child_stop_token() noexcept { return static_cast<Derived&>(*this).obeyed(); }
  [[nodiscard]] async_frame* frame() const noexcept { return run_.frame(); }
  [[nodiscard]] loop* home() const noexcept { return run_.home(); }
  void on_finish(result<value_type>&& with) noexcept {
    ahead_run<T>& run = run_;
    if (!with) complete_stack(with.error(), *run.frame());
    run.hold();
    if constexpr (requires { Derived::kept_of(std::move(with)); }) {
      auto ended = Derived::kept_of(std::move(with));
      state_.reset();
      run.child_ended();
      static_cast<Derived&>(*this).on_result(std::move(ended));
    } else {
      state_.reset();
      run.child_ended();
      static_cast<Derived&>(*this).on_result(std::move(with));
    }
    run.release();  // *this may be gone then
  }

 private:
  using receiver = inner_receiver<ahead_child, value_type>;

  ahead_run<T>& run_;
  std::optional<connected<S, receiver>> state_;
};

}  // namespace braid::detail
