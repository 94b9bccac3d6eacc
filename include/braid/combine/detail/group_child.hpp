#pragma once

#include <optional>
#include <source_location>
#include <system_error>
#include <utility>

#include "braid/combine/detail/group_results.hpp"
#include "braid/core/async_stack.hpp"
#include "braid/core/defer.hpp"
#include "braid/core/detail/inner_receiver.hpp"
#include "braid/loop/detail/finishes_at_home.hpp"
#include "braid/loop/detail/resident.hpp"
#include "braid/loop/detail/task_tracker.hpp"

namespace braid::detail {

// An operation that was spawned in a group. Its operation state is destroyed when it ends.
//
// Threads  the home loop's; an operation that ends on another thread is delivered to the home loop.
template <sender S>
class group_child final : public group_result<value_of<S>>,
                          resident,
                          public finishes_at_home<group_child<S>> {
  using value_type = value_of<S>;

 public:
  group_child(group_results<value_type>& group, S&& op, std::source_location where)
      : group_(group), frame_{group.join().frame(), where} {
    operation_.emplace(elided{[&] { return connect(std::move(op), receiver{this}); }});
  }

  void begin() noexcept {
    group_.child_begins();
    group_.join().enter(*this);
    if (task_tracker::tracks_here()) [[unlikely]] {
      tracked_ = true;
      task_tracker::begins(frame_, frame_kind::verb);
    }
    operation_->start();
  }
  /// Ends as cancelled without starting the operation, because the group was stopped or is ending.
  void refuse() noexcept {
    operation_.reset();
    error why(std::make_error_code(std::errc::operation_canceled), "task_group::spawn");
    why.set_requested(true);
    this->ended_.emplace(std::move(why));
    group_.child_begins();
    group_.arrived(*this);
  }

  // For the operation.
  void finish(result<value_type>&& ended) noexcept {
    this->ended_.emplace(std::move(ended));
    this->finish_at_home();
  }
  [[nodiscard]] stop_token child_stop_token() const noexcept { return group_.join().child_stop_token(); }
  [[nodiscard]] async_frame* frame() noexcept { return &frame_; }
  [[nodiscard]] loop* home() const noexcept { return group_.join().home(); }
  void at_home() noexcept {
    scope_join& join = group_.join();
    operation_.reset();
    this->unlink();
    if (tracked_) [[unlikely]]
      task_tracker::ends(home(), frame_);
    if (result<value_type>& how = this->ended(); !how) {
      if (join.stopping() || home()->ending()) how.error().set_requested(true);
      if (!how.error().is_requested_cancellation()) attach_stack(how.error(), &frame_);
    }
    group_.arrived(*this);  // *this may be gone
    join.release();
  }

 private:
  using receiver = inner_receiver<group_child, value_type>;

  void abandon() noexcept override {
    operation_.reset();
    if (this->in_flight()) home()->operations().withdraw_ready(*this);  // it ended on another thread
    delete this;
  }

  bool tracked_ = false;
  group_results<value_type>& group_;
  async_frame frame_;
  std::optional<connected<S, receiver>> operation_;
};

}  // namespace braid::detail
