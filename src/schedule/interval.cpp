#include "braid/schedule/interval.hpp"

#include <algorithm>

namespace braid::detail {

bool interval_state::take() noexcept {
  const loop_clock::time_point now = loop_clock::now();
  if (now < next_) return false;
  switch (missed_) {
    case missed_beats::burst: next_ = loop_clock::later_than(next_, period_); break;
    case missed_beats::delay: next_ = loop_clock::later_than(now, period_); break;
    case missed_beats::skip: {
      __extension__ typedef __int128 wide;  // the start may lie so far back that 64 bits overflow
      const wide period = period_.count(), beat = next_.time_since_epoch().count();
      const wide late = now.time_since_epoch().count() - beat;
      const wide following = beat + (late / period + 1) * period;
      next_ = loop_clock::time_point(loop_clock::duration(
          static_cast<loop_clock::rep>(std::min<wide>(following, loop_clock::duration::max().count()))));
      break;
    }
  }
  return true;
}

void interval_state::reset(loop_clock::time_point next) noexcept {
  next_ = next;
  waiting_.for_each([next](beat_timer& each) { each.home_->operations().move(each, next); });
}

}  // namespace braid::detail
