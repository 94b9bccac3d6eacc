#include "contract.hpp"

namespace bounded_concurrency::fibers {

// [fetch_all]
static title fetch_one(const archive& from, unsigned n, semaphore& gate) {
  permit mine = await(gate.acquire());                                // 1 my turn
  return await(from.fetch(n));                                        // 2 fetch
}                                                                     // 3 give back

titles fetch_all(const archive& from, unsigned jobs, unsigned limit) {
  semaphore gate(limit);
  return await(when_all(views::iota(0u, jobs)                          // 4 all, in order
      | views::transform([&](unsigned n) {
          return in_fiber([&, n] { return fetch_one(from, n, gate); });
        })));
}
// [/fetch_all]

// [fetch_all_by_workers]
static void work(const archive& from, unsigned jobs, unsigned& next, titles& all) {
  for (unsigned n; (n = next++) < jobs;)                                   // 1 my turn
    all[n] = await(from.fetch(n));                                    // 2 fetch
}

titles fetch_all_by_workers(const archive& from, unsigned jobs, unsigned limit) {
  titles all(jobs);
  unsigned next = 0;
  await(when_all(views::iota(0u, limit)                                // 4 all, in order
      | views::transform([&](unsigned) {
          return in_fiber([&] { work(from, jobs, next, all); });
        })));
  return all;
}
// [/fetch_all_by_workers]

// [fetch_all_by_map]
titles fetch_all_by_map(const archive& from, unsigned jobs, unsigned limit) {
  return await(map_concurrent(                                        // 4 all, in order
      views::iota(0u, jobs), limit,                                   // 1 my turn
      [&from](unsigned n) { return from.fetch(n); }));                // 2 fetch
}
// [/fetch_all_by_map]

}  // namespace bounded_concurrency::fibers
