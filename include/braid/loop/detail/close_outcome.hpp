#pragma once

#include <cerrno>
#include <cstdint>
#include <utility>

#include "braid/loop/direct_calls.hpp"
#include "braid/loop/io_outcome.hpp"

namespace braid {
void close_detached(int descriptor) noexcept;
}  // namespace braid

namespace braid::detail {

// Cancels the requests in flight on the descriptor until none is left, then closes it.
class close_outcome {
 public:
  using value_type = void;
  static constexpr io_hooks hooks{.again = true, .unstoppable = true};
  explicit close_outcome(int descriptor) noexcept : descriptor_(descriptor) {}
  close_outcome(close_outcome&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  close_outcome& operator=(close_outcome&&) = delete;
  ~close_outcome() {
    if (descriptor_ >= 0) close_detached(descriptor_);  // the sender was never started
  }

  static constexpr const char* name() noexcept { return "close"; }
  [[nodiscard]] bool again(std::int32_t& ended, request& what) noexcept {
    if (what.code == opcode::cancel_descriptor) {
      if (ended != -ECANCELED && ended <= 0 && ended != -EALREADY) what.code = opcode::close;
      if (ended != -ECANCELED) return true;
    }
    if (ended == -EINTR) ended = 0;  // Linux closes the descriptor although close(2) reports EINTR
    if (ended == -ECANCELED)
      // the loop is ending, and nothing is in flight any more
      ended = direct_calls::current().close(what.descriptor);
    descriptor_ = -1;
    return false;
  }
  result<void> operator()(std::int32_t, const request&) const noexcept { return {}; }

 private:
  int descriptor_;
};

}  // namespace braid::detail
