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

static void count_on(std::shared_ptr<counting> now) {
  if (now->next == now->pieces.size()) return now->done(now->found);
  now->found += count_in(now->mine, now->pieces[now->next++]);        // 1 a piece
  start(with_stop_token(yield(), now->stop),                          // 2 the others
        [now](result<void> turn) {
    if (!turn) return now->done(turn.error());
    count_on(now);
  });
}

void count_yielding(const sheet& seen, stop_token stop, handler<int> done) {
  count_on(std::make_shared<counting>(counting{                       // 0 as it is now
      seen, pieces_of(seen), stop, std::move(done)}));
}
// [/count_yielding]

// [count_offloaded]
void count_offloaded(const sheet& seen, handler<int> done) {
  start(offload([mine = seen] {                                       // 0 as it is now
    return count_in(mine, {0, mine.numbers.size()});                  // 1 elsewhere
  }), std::move(done));
}
// [/count_offloaded]

// [count_by_crew]
struct adding {
  handler<int> done;
  std::size_t to_come;
  result<int> found = 0;
};

void count_by_crew(const sheet& seen, crew& hands, handler<int> done) {
  auto mine = std::make_shared<const sheet>(seen);                    // 0 as it is now
  const auto parts = pieces_of(seen, seen.numbers.size() / hands.size() + 1);
  if (parts.empty()) return done(0);
  auto now = std::make_shared<adding>(adding{std::move(done), parts.size()});
  for (piece each : parts)
    start(hands.compute([mine, each] { return count_in(*mine, each); }),  // 1 elsewhere
          [now](result<int> found) {
      if (now->found && found)
        *now->found += *found;                                        // 2 all parts
      else if (now->found)
        now->found = found.error();
      if (--now->to_come == 0) now->done(std::move(now->found));
    });
}
// [/count_by_crew]

}  // namespace blocked_loop::callbacks
