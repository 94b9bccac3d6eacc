#pragma once

#include <optional>
#include <utility>

#include "braid/core/sender.hpp"

namespace braid::detail {

// Obeys two tokens: the given one and the receiver's. If only one of them can stop, it registers nothing.
template <sender S, class R>
class with_stop_token_state : pinned {
  using value_type = value_of<S>;

 public:
  with_stop_token_state(S&& op, stop_token token, R waiting)
      : token_(token), receiver_(std::move(waiting)), state_(connect(std::move(op), receiver{this})) {}

  void start() noexcept {
    const stop_token outer = receiver_.get_stop_token();
    if (token_.stop_possible() && outer.stop_possible()) {
      both_.emplace(token_, outer);
      token_ = both_->source.get_token();
    } else if (!token_.stop_possible()) {
      token_ = outer;
    }
    state_.start();
  }

 private:
  struct receiver {
    with_stop_token_state* self;
    void finish(result<value_type> ended) && noexcept {
      if (!ended && self->token_.stop_requested()) {
        ended.error().set_requested(true);
        ended.error().set_stop_reason(self->token_.reason());
      }
      self->both_.reset();
      R waiting = std::move(self->receiver_);
      std::move(waiting).finish(std::move(ended));
    }
    [[nodiscard]] stop_token get_stop_token() const noexcept { return self->token_; }
    [[nodiscard]] async_frame* frame() const noexcept { return self->receiver_.frame(); }
  };
  struct on_stop {
    stop_source* source;
    void operator()(stop_reason why) const noexcept { source->request_stop(why); }
  };
  struct two_tokens {
    two_tokens(stop_token one, stop_token other) noexcept
        : first(one, on_stop{&source}), second(other, on_stop{&source}) {}
    stop_source source;
    stop_callback<on_stop> first, second;
  };

  stop_token token_;  // the token that the operation sees
  std::optional<two_tokens> both_;
  R receiver_;
  connected<S, receiver> state_;
};

}  // namespace braid::detail
