#include "contract.hpp"

namespace bounded_concurrency::futures {

// [fetch_all]
future<titles> fetch_all(const archive& from, unsigned jobs, unsigned limit) {
  auto gate = std::make_shared<semaphore>(limit);
  std::vector<future<title>> each;
  for (unsigned n = 0; n < jobs; ++n)
    each.push_back(spawn(gate->acquire())                             // 1 my turn
        .then([&from, gate, n](permit mine) {
          return spawn(from.fetch(n))                                 // 2 fetch
              .finally([gate, mine = std::move(mine)]() mutable {
                const permit given_back = std::move(mine);            // 3 leave
              });
        }));
  return spawn(when_all(std::move(each)));                            // 4 all, in order
}
// [/fetch_all]

// [fetch_all_by_map]
future<titles> fetch_all_by_map(const archive& from, unsigned jobs, unsigned limit) {
  auto all = map_concurrent(views::iota(0u, jobs), limit,             // 1 my turn
      [&from](unsigned n) { return from.fetch(n); });                 // 2 fetch, 3 leave
  return spawn(std::move(all));                                       // 4 all, in order
}
// [/fetch_all_by_map]

}  // namespace bounded_concurrency::futures
