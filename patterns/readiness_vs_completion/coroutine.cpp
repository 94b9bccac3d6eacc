#include "contract.hpp"

namespace readiness_vs_completion::coroutines {

// [answer]
task<> answer(visit& at) {
  co_await at.visitor.read_exactly(at.asked);                         // 1 question
  co_await at.from.read(number_in(at.asked), at.found);               // 2 file
  co_await at.visitor.write_all(at.found);                            // 3 answer
}
// [/answer]

}  // namespace readiness_vs_completion::coroutines
