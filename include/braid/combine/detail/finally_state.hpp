#pragma once

#include <optional>
#include <utility>

#include "braid/combine/detail/join_failures.hpp"
#include "braid/core/detail/inner_receiver.hpp"
#include "braid/core/sender.hpp"
#include "braid/loop/detail/finishes_at_home.hpp"

namespace braid::detail {

template <sender S, sender CleanUp, class R>
class finally_state final : public finishes_at_home<finally_state<S, CleanUp, R>> {
  using value_type = value_of<S>;

 public:
  finally_state(S&& op, CleanUp&& clean_up, R waiting)
      : receiver_(std::move(waiting)),
        op_(connect(std::move(op), receiver{this})),
        clean_up_(connect(std::move(clean_up), clean_up_receiver{{this}})) {}

  void start() noexcept {
    home_ = loop::current_or_null();
    op_.start();
  }

  // For the operation.
  void finish(result<value_type>&& ended) noexcept {
    result_.emplace(std::move(ended));
    home_ != nullptr ? this->finish_at_home() : at_home();
  }
  [[nodiscard]] stop_token child_stop_token() const noexcept { return receiver_.get_stop_token(); }
  [[nodiscard]] async_frame* frame() const noexcept { return receiver_.frame(); }
  [[nodiscard]] loop* home() const noexcept { return home_; }
  void at_home() noexcept { clean_up_.start(); }

 private:
  using receiver = inner_receiver<finally_state, value_type>;
  struct clean_up_receiver : inner_receiver<finally_state, value_of<CleanUp>> {
    void finish(result<value_of<CleanUp>> cleaned) && noexcept { this->owner->cleaned(std::move(cleaned)); }
    [[nodiscard]] stop_token get_stop_token() const noexcept { return {}; }
  };

  void cleaned(result<value_of<CleanUp>>&& how) noexcept {
    const bool stopping = receiver_.get_stop_token().stop_requested();
    R waiting = std::move(receiver_);
    result<value_type> ended = *std::move(result_);
    if (!how) [[unlikely]]
      clean_up_failed(ended, std::move(how).error(), stopping);
    std::move(waiting).finish(std::move(ended));
  }
  // A clean-up that the loop's end cut off counts as cancelled, not as failed.
  [[gnu::cold]] void clean_up_failed(result<value_type>& ended, error why, bool stopping) const noexcept {
    const bool loop_ends = home_ != nullptr && home_->ending();
    if (loop_ends && why == std::errc::operation_canceled)
      why.set_requested(true);
    else
      why.set_of_clean_up();
    join_failures failures;
    if (!ended) failures.add(std::move(ended).error(), stopping || loop_ends);
    failures.add(std::move(why));
    ended = std::move(failures).first();
  }

  loop* home_ = nullptr;
  R receiver_;
  std::optional<result<value_type>> result_;
  connected<S, receiver> op_;
  connected<CleanUp, clean_up_receiver> clean_up_;
};

}  // namespace braid::detail
