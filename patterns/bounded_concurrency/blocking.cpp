#include <atomic>
#include <future>

#include "contract.hpp"

namespace bounded_concurrency::blocking {

// [fetch_all]
titles fetch_all(const archive& from, unsigned jobs, unsigned limit) {
  titles all(jobs);
  std::atomic<unsigned> next = 0;
  const auto work = [&] {
    loop here;
    for (unsigned n; (n = next++) < jobs;)                            // 1 my turn
      try {
        all[n] = run(from.fetch(n));                                  // 2 fetch
      } catch (...) {
        next = jobs;
        throw;
      }
  };
  std::vector<std::future<void>> threads;
  for (unsigned i = 0; i < limit; ++i)
    threads.push_back(std::async(std::launch::async, work));
  for (std::future<void>& each : threads) each.get();                 // 4 all, in order
  return all;
}
// [/fetch_all]

// [fetch_all_by_map]
titles fetch_all_by_map(const archive& from, unsigned jobs, unsigned limit) {
  auto all = map_concurrent(views::iota(0u, jobs), limit,             // 1 my turn
      [&from](unsigned n) { return from.fetch(n); });                 // 2 fetch, 3 leave
  return run(std::move(all));                                         // 4 all, in order
}
// [/fetch_all_by_map]

}  // namespace bounded_concurrency::blocking
