#include "contract.hpp"

namespace readiness_vs_completion::fibers {

// [answer]
void answer(visit& at) {
  await(at.visitor.read_exactly(at.asked));                           // 1 question
  await(at.from.read(number_in(at.asked), at.found));                 // 2 file
  await(at.visitor.write_all(at.found));                              // 3 answer
}
// [/answer]

}  // namespace readiness_vs_completion::fibers
