#include "contract.hpp"

namespace bounded_concurrency::coroutines {

// [fetch_all]
static task<title> fetch_one(const archive& from, unsigned n, semaphore& gate) {
  permit mine = co_await gate.acquire();                              // 1 my turn
  co_return co_await from.fetch(n);                                   // 2 fetch
}                                                                     // 3 leave

task<titles> fetch_all(const archive& from, unsigned jobs, unsigned limit) {
  semaphore gate(limit);
  auto each = views::iota(0u, jobs) | views::transform([&](unsigned n) {
    return fetch_one(from, n, gate);
  });
  co_return co_await when_all(each);                                  // 4 all, in order
}
// [/fetch_all]

// [fetch_all_by_workers]
static task<> work(const archive& from, unsigned jobs, unsigned& next, titles& all) {
  for (unsigned n; (n = next++) < jobs;)                              // 1 my turn
    all[n] = co_await from.fetch(n);                                  // 2 fetch
}

task<titles> fetch_all_by_workers(const archive& from, unsigned jobs, unsigned limit) {
  titles all(jobs);
  unsigned next = 0;
  auto each = views::iota(0u, limit) | views::transform([&](unsigned) {
    return work(from, jobs, next, all);
  });
  co_await when_all(each);                                            // 4 all, in order
  co_return all;
}
// [/fetch_all_by_workers]

// [fetch_all_by_map]
task<titles> fetch_all_by_map(const archive& from, unsigned jobs, unsigned limit) {
  auto all = map_concurrent(views::iota(0u, jobs), limit,             // 1 my turn
      [&from](unsigned n) { return from.fetch(n); });                 // 2 fetch, 3 leave
  co_return co_await std::move(all);                                  // 4 all, in order
}
// [/fetch_all_by_map]

}  // namespace bounded_concurrency::coroutines
