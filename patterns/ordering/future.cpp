#include "contract.hpp"

namespace ordering::futures {

// [read_aloud]
future<void> read_aloud(const book& from, listener& to) {
  future<void> said = make_ready_future();
  for (int n : book::pages)
    said = std::move(said)
        .then([&to, next = spawn(from.fetch(n))]() mutable {          // 1 ask for all
          return std::move(next)                                      // 2 in its turn
              .then([&to](page p) { to.tell(p.text); });              // 3 say
        });
  return said;
}
// [/read_aloud]

// [read_aloud_naively]
future<void> read_aloud_naively(const book& from, listener& to) {
  std::vector<future<void>> said;
  for (int n : book::pages)
    said.push_back(spawn(from.fetch(n))                               // 1 ask for all
        .then([&to](page p) { to.tell(p.text); }));                   // 3 say
  return spawn(when_all(std::move(said)));
}
// [/read_aloud_naively]

}  // namespace ordering::futures
