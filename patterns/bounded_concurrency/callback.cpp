#include "contract.hpp"

namespace bounded_concurrency::callbacks {

// [fetch_all]
struct fetching {
  fetching(unsigned jobs, unsigned limit, handler<titles> told)
      : done(std::move(told)), gate(limit), all(std::in_place, jobs), to_come(jobs) {}
  void one_ended(unsigned number, result<title> came) {
    if (came && all)
      (*all)[number] = *std::move(came);
    else if (all)
      all = came.error();  // the first error stands for all
    if (--to_come == 0) done(std::move(all));                         // 4 all, in order
  }
  handler<titles> done;
  semaphore gate;
  result<titles> all;
  unsigned to_come;
};

void fetch_all(const archive& from, unsigned jobs, unsigned limit, handler<titles> done) {
  if (jobs == 0) return done(titles());
  auto now = std::make_shared<fetching>(jobs, limit, std::move(done));
  for (unsigned n = 0; n < jobs; ++n)
    start(now->gate.acquire(),                                        // 1 my turn
          [&from, now, n](result<permit> mine) {
      if (!now->all) return now->one_ended(n, now->all.error());
      start(from.fetch(n),                                            // 2 fetch
            [now, n, mine = std::move(mine)](result<title> came) {
        now->one_ended(n, std::move(came));
      });                                                             // 3 give back
    });
}
// [/fetch_all]

// [fetch_all_by_map]
void fetch_all_by_map(const archive& from, unsigned jobs, unsigned limit,
                      handler<titles> done) {
  start(map_concurrent(                                               // 4 all, in order
            views::iota(0u, jobs), limit,                             // 1 my turn
            [&from](unsigned n) { return from.fetch(n); }),           // 2 fetch
        std::move(done));
}
// [/fetch_all_by_map]

}  // namespace bounded_concurrency::callbacks
