#include "contract.hpp"

namespace blocked_loop::blocking {

// [count_at_once]
int count_at_once(const sheet& seen) {
  int found = 0;
  for (piece each : pieces_of(seen))
    found += count_in(seen, each);                                    // 1 a piece
  return found;
}
// [/count_at_once]

// [count_pumping]
int count_pumping(const sheet& seen) {
  const sheet mine = seen;                                            // 0 as it is now
  int found = 0;
  for (piece each : pieces_of(mine)) {
    found += count_in(mine, each);                                    // 1 a piece
    loop::current().turn(false);                                      // 2 the others
  }
  return found;
}
// [/count_pumping]

}  // namespace blocked_loop::blocking
