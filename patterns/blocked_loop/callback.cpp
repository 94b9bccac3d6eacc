#include "contract.hpp"

namespace blocked_loop::callbacks {

// [count_yielding]
struct counting {
  const sheet mine;
  const std::vector<piece> pieces;
  const stop_token stop;
  handler<int> done;
  std::size_t next = 0;
  int found = 0;
};
static void count_on(std::shared_ptr<counting> state);

void count_yielding(const sheet& seen, stop_token stop, handler<int> done) {
  auto state = std::make_shared<counting>(                            // 0 as it is now
      seen, pieces_of(seen), stop, std::move(done));
  count_on(state);
}

static void count_on(std::shared_ptr<counting> state) {
  if (state->next == state->pieces.size()) return state->done(state->found);
  const piece each = state->pieces[state->next++];
  state->found += count_in(state->mine, each);                        // 1 a piece
  start(with_stop_token(yield(), state->stop),                        // 2 the others
        [state](result<void> turn) {
    if (!turn) return state->done(turn.error());
    count_on(state);
  });
}
// [/count_yielding]

// [count_offloaded]
void count_offloaded(const sheet& seen, handler<int> done) {
  auto work = [mine = seen] {                                         // 0 as it is now
    return count_in(mine, {0, mine.numbers.size()});                  // 1 elsewhere
  };
  start(offload(std::move(work)), std::move(done));
}
// [/count_offloaded]

// [count_by_crew]
void count_by_crew(const sheet& seen, crew& hands, handler<int> done) {
  auto mine = std::make_shared<const sheet>(seen);                    // 0 as it is now
  std::vector<future<int>> parts;
  for (piece each : pieces_of(*mine, mine->numbers.size() / hands.size() + 1))
    parts.push_back(hands.compute([mine, each] {
      return count_in(*mine, each);                                   // 1 elsewhere
    }));
  start(when_all(std::move(parts)),                                   // 2 all parts
        [done = std::move(done)](result<std::vector<int>> found) mutable {
    if (!found) return done(found.error());
    done(ranges::accumulate(*found, 0));
  });
}
// [/count_by_crew]

}  // namespace blocked_loop::callbacks
