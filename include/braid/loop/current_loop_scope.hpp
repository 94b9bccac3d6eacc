#pragma once

#include "braid/base/pinned.hpp"
#include "braid/loop/loop.hpp"

namespace braid {

/// Makes a loop, or none, this thread's current one for as long as it lives: for who turns several loops on
/// one thread by hand, or makes them there.
class current_loop_scope : pinned {
 public:
  explicit current_loop_scope(loop* which) noexcept : outer_(loop::current_) { loop::make_current(which); }
  ~current_loop_scope() { loop::make_current(outer_); }

 private:
  detail::operation_context* const outer_;
};

}  // namespace braid
