#include "contract.hpp"

namespace ordering::fibers {

// [read_aloud]
static void read_page(const book& from, int n, event& mine, event& next, listener& to) {
  page p = await(from.fetch(n));                                      // 1 ask for all
  await(mine.wait());                                                 // 2 in its turn
  to.tell(p.text);                                                    // 3 say
  next.set();
}

void read_aloud(const book& from, listener& to) {
  event turn1(true), turn2, turn3, end;
  await(when_all(in_fiber([&] { read_page(from, 1, turn1, turn2, to); }),
                 in_fiber([&] { read_page(from, 2, turn2, turn3, to); }),
                 in_fiber([&] { read_page(from, 3, turn3, end, to); })));
}
// [/read_aloud]

// [read_aloud_naively]
static void read_page_naively(const book& from, int n, listener& to) {
  page p = await(from.fetch(n));                                      // 1 ask for all
  to.tell(p.text);                                                    // 3 say
}

void read_aloud_naively(const book& from, listener& to) {
  await(when_all(in_fiber([&] { read_page_naively(from, 1, to); }),
                 in_fiber([&] { read_page_naively(from, 2, to); }),
                 in_fiber([&] { read_page_naively(from, 3, to); })));
}
// [/read_aloud_naively]

}  // namespace ordering::fibers
