#include "contract.hpp"

namespace blocked_loop::futures {

// [count_yielding]
future<int> count_yielding(const sheet& seen, stop_token stop) {
  auto mine = std::make_shared<const sheet>(seen);                    // 0 as it is now
  auto found = std::make_shared<int>(0);
  future<void> counted = make_ready_future();
  for (piece each : pieces_of(*mine))
    counted = std::move(counted).then([mine, found, each, stop] {
      *found += count_in(*mine, each);                                // 1 a piece
      return with_stop_token(yield(), stop);                          // 2 the others
    });
  return std::move(counted).then([found] { return *found; });
}
// [/count_yielding]

// [count_offloaded]
future<int> count_offloaded(const sheet& seen) {
  auto work = [mine = seen] {                                         // 0 as it is now
    return count_in(mine, {0, mine.numbers.size()});                  // 1 elsewhere
  };
  return spawn(offload(std::move(work)));
}
// [/count_offloaded]

// [count_by_crew]
future<int> count_by_crew(const sheet& seen, crew& hands) {
  auto mine = std::make_shared<const sheet>(seen);                    // 0 as it is now
  std::vector<future<int>> parts;
  for (piece each : pieces_of(*mine, mine->numbers.size() / hands.size() + 1))
    parts.push_back(hands.compute([mine, each] {
      return count_in(*mine, each);                                   // 1 elsewhere
    }));
  return spawn(when_all(std::move(parts)))                            // 2 all parts
      .then([](std::vector<int> found) { return ranges::accumulate(found, 0); });
}
// [/count_by_crew]

}  // namespace blocked_loop::futures
