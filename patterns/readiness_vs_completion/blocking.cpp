#include "contract.hpp"

namespace readiness_vs_completion::blocking {

// [answer]
void answer(visit& at) {
  run(at.visitor.read_exactly(at.asked));                             // 1 question
  run(at.from.read(number_in(at.asked), at.found));                   // 2 file
  run(at.visitor.write_all(at.found));                                // 3 answer
}
// [/answer]

}  // namespace readiness_vs_completion::blocking
