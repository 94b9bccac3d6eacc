#include "contract.hpp"

namespace ordering::coroutines {

// [read_aloud]
static task<> read_page(const book& from, int n, event& mine, event& next, listener& to) {
  page p = co_await from.fetch(n);                                    // 1 ask for all
  co_await mine.wait();                                               // 2 in its turn
  to.tell(p.text);                                                    // 3 say
  next.set();
}

task<> read_aloud(const book& from, listener& to) {
  event turn1(true), turn2, turn3, end;
  co_await when_all(read_page(from, 1, turn1, turn2, to),
                    read_page(from, 2, turn2, turn3, to),
                    read_page(from, 3, turn3, end, to));
}
// [/read_aloud]

// [read_aloud_naively]
static task<> read_page_naively(const book& from, int n, listener& to) {
  page p = co_await from.fetch(n);                                    // 1 ask for all
  to.tell(p.text);                                                    // 3 say
}

task<> read_aloud_naively(const book& from, listener& to) {
  co_await when_all(read_page_naively(from, 1, to),
                    read_page_naively(from, 2, to),
                    read_page_naively(from, 3, to));
}
// [/read_aloud_naively]

}  // namespace ordering::coroutines
