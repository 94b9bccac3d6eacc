#pragma once

#include "braid/loop/loop.hpp"
#include "braid/loop/operation.hpp"

namespace braid::detail {

// Goes on with a Run in a later turn, so that ranges whose elements have all arrived keep no other work from
// the loop. Run has on_turn(), and what ahead_run has.
template <class Run>
class ahead_turn : operation_base {
 public:
  explicit ahead_turn(Run& run) noexcept : operation_base(on_finish), run_(run) {}

  void begin() noexcept {
    if (this->in_flight()) return;
    run_.child_begins();
    run_.home()->operations().make_ready(*this);
  }

 private:
  static void on_finish(operation_base& base, completion) noexcept {
    Run& run = static_cast<ahead_turn&>(base).run_;
    run.hold();
    run.child_ended();
    run.on_turn();
    run.release();
  }
  Run& run_;
};

}  // namespace braid::detail
