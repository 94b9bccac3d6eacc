#include "contract.hpp"

namespace bounded_concurrency::fibers {

// [fetch_all]
static title fetch_one(const archive& from, unsigned n, semaphore& gate) {
  permit mine = await(gate.acquire());                                // 1 my turn
  return await(from.fetch(n));                                        // 2 fetch
}                                                                     // 3 leave

titles fetch_all(const archive& from, unsigned jobs, unsigned limit) {
  semaphore gate(limit);
  auto each = views::iota(0u, jobs) | views::transform([&](unsigned n) {
    return in_fiber([&, n] { return fetch_one(from, n, gate); });
  });
  return await(when_all(each));                                       // 4 all, in order
}
// [/fetch_all]

// [fetch_all_by_workers]
static void work(const archive& from, unsigned jobs, unsigned& next, titles& all) {
  for (unsigned n; (n = next++) < jobs;)                              // 1 my turn
    all[n] = await(from.fetch(n));                                    // 2 fetch
}

titles fetch_all_by_workers(const archive& from, unsigned jobs, unsigned limit) {
  titles all(jobs);
  unsigned next = 0;
  auto each = views::iota(0u, limit) | views::transform([&](unsigned) {
    return in_fiber([&] { work(from, jobs, next, all); });
  });
  await(when_all(each));                                              // 4 all, in order
  return all;
}
// [/fetch_all_by_workers]

// [fetch_all_by_map]
titles fetch_all_by_map(const archive& from, unsigned jobs, unsigned limit) {
  auto all = map_concurrent(views::iota(0u, jobs), limit,             // 1 my turn
      [&from](unsigned n) { return from.fetch(n); });                 // 2 fetch, 3 leave
  return await(std::move(all));                                       // 4 all, in order
}
// [/fetch_all_by_map]

}  // namespace bounded_concurrency::fibers
