#pragma once

#include <cstddef>
#include <optional>

#include "braid/base/pinned.hpp"
#include "braid/core/stop_token.hpp"
#include "braid/loop/loop.hpp"

namespace braid::detail {

/// The base of every join: counts the operations that have not ended, and stops them.
///
/// Threads  its home loop's. A child that ends on another thread is delivered to the home loop first.
class join_base : pinned {
 public:
  [[nodiscard]] stop_token child_stop_token() noexcept { return stop_.get_token(); }
  [[nodiscard]] loop* home() const noexcept { return home_; }
  [[nodiscard]] bool stopping() const noexcept { return stop_.stop_requested(); }
  [[nodiscard]] stop_reason why_stopping() const noexcept { return stop_.reason(); }

  /// Stopping children can complete and destroy the join: hold it while its members are still needed.
  void hold() noexcept { ++pending_; }
  void release() noexcept {
    if (--pending_ == 0) {
      parent_link_.reset();
      complete();
    }
  }
  void stop_children(stop_reason why) noexcept {
    hold();
    stop_.request_stop(why);
    release();
  }

 protected:
  ~join_base() = default;
  /// False on a thread without a loop.
  [[nodiscard]] bool begin(stop_token parent) noexcept {
    home_ = loop::current_or_null();
    if (home_ == nullptr) return false;
    hold();  // released once all children were started
    if (parent.stop_possible()) parent_link_.emplace(parent, on_parent_stop{this});
    return true;
  }
  virtual void complete() noexcept = 0;  // all have ended: finishes the receiver; may destroy *this

 private:
  struct on_parent_stop {
    join_base* self;
    void operator()(stop_reason why) const noexcept {
      if (loop::current_or_null() == self->home_)
        self->stop_children(why);
      else
        self->stop_.request_stop(why);  // resetting parent_link_ waits for this call
    }
  };

  loop* home_ = nullptr;
  std::size_t pending_ = 0;
  stop_source stop_;
  std::optional<stop_callback<on_parent_stop>> parent_link_;
};

}  // namespace braid::detail
