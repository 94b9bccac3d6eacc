#include "contract.hpp"

namespace bounded_concurrency::callbacks {

// [fetch_all]
struct fetching {
  fetching(unsigned jobs, unsigned limit, handler<titles> on_end)
      : done(std::move(on_end)), gate(limit), all(std::in_place, jobs), to_come(jobs) {}
  void one_ended(unsigned n, result<title> one);

  handler<titles> done;
  semaphore gate;
  result<titles> all;
  unsigned to_come;
};

void fetch_all(const archive& from, unsigned jobs, unsigned limit, handler<titles> done) {
  if (jobs == 0) return done(titles());
  auto state = std::make_shared<fetching>(jobs, limit, std::move(done));
  for (unsigned n = 0; n < jobs; ++n)
    start(state->gate.acquire(),                                      // 1 my turn
          [&from, state, n](result<permit> mine) {
      if (!state->all) return state->one_ended(n, state->all.error());
      start(from.fetch(n),                                            // 2 fetch
            [state, n, mine = std::move(mine)](result<title> one) {
        state->one_ended(n, std::move(one));
      });                                                             // 3 leave
    });
}

void fetching::one_ended(unsigned n, result<title> one) {
  if (one && all)
    (*all)[n] = *std::move(one);
  else if (all)
    all = one.error();  // the first error stands for all
  if (--to_come == 0) done(std::move(all));                           // 4 all, in order
}
// [/fetch_all]

// [fetch_all_by_map]
void fetch_all_by_map(const archive& from, unsigned jobs, unsigned limit,
                      handler<titles> done) {
  auto all = map_concurrent(views::iota(0u, jobs), limit,             // 1 my turn
      [&from](unsigned n) { return from.fetch(n); });                 // 2 fetch, 3 leave
  start(std::move(all), std::move(done));                             // 4 all, in order
}
// [/fetch_all_by_map]

}  // namespace bounded_concurrency::callbacks
