#include "contract.hpp"

namespace readiness_vs_completion::callbacks {

// [answer]
void answer(visit& at, handler<void> done) {
  start(at.visitor.read_exactly(at.asked),                            // 1 question
        [&at, done = std::move(done)](result<void> asked) mutable {
    if (!asked) return done(asked);
    start(at.from.read(number_in(at.asked), at.found),                // 2 file
          [&at, done = std::move(done)](result<void> found) mutable {
      if (!found) return done(found);
      start(at.visitor.write_all(at.found), std::move(done));         // 3 answer
    });
  });
}
// [/answer]

}  // namespace readiness_vs_completion::callbacks
