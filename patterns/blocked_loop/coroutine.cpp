#include "contract.hpp"

namespace blocked_loop::coroutines {

// [count_at_once]
task<int> count_at_once(const sheet& seen) {
  int found = 0;
  for (piece each : pieces_of(seen))
    found += count_in(seen, each);                                    // 1 a piece
  co_return found;
}
// [/count_at_once]

// [count_yielding]
task<int> count_yielding(const sheet& seen, stop_token stop) {
  const sheet mine = seen;                                            // 0 as it is now
  int found = 0;
  for (piece each : pieces_of(mine)) {
    found += count_in(mine, each);                                    // 1 a piece
    co_await with_stop_token(yield(), stop);                          // 2 the others
  }
  co_return found;
}
// [/count_yielding]

// [count_naively]
task<int> count_naively(const sheet& seen, stop_token stop) {
  int found = 0;
  for (piece each : pieces_of(seen)) {
    found += count_in(seen, each);                                    // 1 a piece
    co_await with_stop_token(yield(), stop);                          // 2 the others
  }
  co_return found;
}
// [/count_naively]

// [count_offloaded]
task<int> count_offloaded(const sheet& seen) {
  auto work = [mine = seen] {                                         // 0 as it is now
    return count_in(mine, {0, mine.numbers.size()});                  // 1 elsewhere
  };
  co_return co_await offload(std::move(work));
}
// [/count_offloaded]

// [count_by_crew]
task<int> count_by_crew(const sheet& seen, crew& hands) {
  auto mine = std::make_shared<const sheet>(seen);                    // 0 as it is now
  std::vector<future<int>> parts;
  for (piece each : pieces_of(*mine, mine->numbers.size() / hands.size() + 1))
    parts.push_back(hands.compute([mine, each] {
      return count_in(*mine, each);                                   // 1 elsewhere
    }));
  std::vector<int> found = co_await when_all(std::move(parts));       // 2 all parts
  co_return ranges::accumulate(found, 0);
}
// [/count_by_crew]

}  // namespace blocked_loop::coroutines
