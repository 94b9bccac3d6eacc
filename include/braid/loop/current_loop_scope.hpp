#pragma once

#include "braid/base/pinned.hpp"
#include "braid/loop/loop.hpp"

namespace braid {

/// Makes a loop, or no loop, this thread's current one for as long as it lives. For code that makes or turns
/// several loops on one thread by hand.
///
///     loop one;
///     const current_loop_scope none(nullptr);  // else this thread could not make a second loop
///     loop other;
class current_loop_scope : pinned {
 public:
  explicit current_loop_scope(loop* which) noexcept : outer_(loop::current_or_null()) {
    loop::make_current(which);
  }
  ~current_loop_scope() { loop::make_current(outer_); }

 private:
  loop* const outer_;
};

}  // namespace braid
