#include "contract.hpp"

namespace readiness_vs_completion::futures {

// [answer]
future<void> answer(visit& at) {
  return spawn(at.visitor.read_exactly(at.asked))                     // 1 question
      .then([&at] {
        return at.from.read(number_in(at.asked), at.found);           // 2 file
      })
      .then([&at] {
        return at.visitor.write_all(at.found);                        // 3 answer
      });
}
// [/answer]

}  // namespace readiness_vs_completion::futures
