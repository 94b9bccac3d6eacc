#pragma once

#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

#include "braid/core/any_result.hpp"
#include "braid/core/detail/inner_receiver.hpp"
#include "braid/core/sender.hpp"
#include "braid/loop/detail/finishes_at_home.hpp"

namespace braid::detail {

/// One operation of a join, with its result. Calls Join::on_finish(result, index) on the join's home loop.
template <class Join, sender S>
class join_child : public finishes_at_home<join_child<Join, S>> {
 public:
  using value_type = value_of<S>;

  join_child(Join& join, std::size_t index, S&& op)
      : join_(join), index_(index), state_(connect(std::move(op), receiver{this})) {}

  void start() noexcept {
    join_.hold();
    if (join_.stopping())
      return finish(error(std::errc::operation_canceled));  // an earlier child has decided the join
    state_.start();
  }
  [[nodiscard]] result<value_type>& ended_result() noexcept { return *result_; }
  /// The value, as a tuple, a variant or a vector of values holds it.
  [[nodiscard]] regular<value_type> take() {
    if constexpr (std::is_void_v<value_type>)
      return {};
    else
      return **std::move(result_);
  }

  // For the operation.
  void finish(result<value_type>&& ended) noexcept {
    result_.emplace(std::move(ended));
    this->finish_at_home();
  }
  [[nodiscard]] stop_token child_stop_token() const noexcept { return join_.child_stop_token(); }
  [[nodiscard]] async_frame* frame() const noexcept { return join_.frame(); }
  [[nodiscard]] loop* home() const noexcept { return join_.home(); }
  void at_home() noexcept {
    if (!*result_) result_->error().set_stop_reason(join_.why_stopping());
    join_.on_finish(*result_, index_);
    join_.release();
  }

 private:
  using receiver = inner_receiver<join_child, value_type>;

  Join& join_;
  const std::size_t index_;
  std::optional<result<value_type>> result_;
  connected<S, receiver> state_;
};

}  // namespace braid::detail
