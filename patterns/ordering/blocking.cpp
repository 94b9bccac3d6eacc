#include "contract.hpp"

namespace ordering::blocking {

// [read_aloud]
void read_aloud(const book& from, listener& to) {
  std::vector<future<page>> coming;
  for (int n : book::pages) coming.push_back(spawn(from.fetch(n)));   // 1 ask for all
  for (future<page>& next : coming) {
    page p = run(std::move(next));                                    // 2 in its turn
    to.tell(p.text);                                                  // 3 say
  }
}
// [/read_aloud]

// [read_aloud_naively]
void read_aloud_naively(const book& from, listener& to) {
  std::vector<future<void>> said;
  for (int n : book::pages)
    said.push_back(spawn(from.fetch(n))                               // 1 ask for all
        .then([&to](page p) { to.tell(p.text); }));                   // 3 say
  run(when_all(std::move(said)));
}
// [/read_aloud_naively]

}  // namespace ordering::blocking
