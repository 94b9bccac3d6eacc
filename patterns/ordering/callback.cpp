#include <map>

#include "contract.hpp"

namespace ordering::callbacks {

// [read_aloud]
void read_aloud(const book& from, listener& to, handler<void> done) {
  struct reading {
    handler<void> done;
    std::map<int, page> early;  // arrived before its turn
    int next = 1;
    std::size_t to_come = book::pages.size();
    result<void> ended;
  };
  auto now = std::make_shared<reading>(std::move(done));
  for (int n : book::pages)
    start(from.fetch(n), [&to, now](result<page> came) {              // 1 ask for all
      if (came)
        now->early.emplace(came->number, *came);                      // 2 in its turn
      else if (now->ended)
        now->ended = came.error();
      while (!now->early.empty() && now->early.begin()->first == now->next) {
        to.tell(now->early.begin()->second.text);                     // 3 say
        now->early.erase(now->early.begin());
        ++now->next;
      }
      if (--now->to_come == 0) now->done(now->ended);
    });
}
// [/read_aloud]

// [read_aloud_naively]
void read_aloud_naively(const book& from, listener& to, handler<void> done) {
  struct reading {
    handler<void> done;
    std::size_t to_come = book::pages.size();
    result<void> ended;
  };
  auto now = std::make_shared<reading>(std::move(done));
  for (int n : book::pages)
    start(from.fetch(n), [&to, now](result<page> came) {              // 1 ask for all
      if (came)
        to.tell(came->text);                                          // 3 say
      else if (now->ended)
        now->ended = came.error();
      if (--now->to_come == 0) now->done(now->ended);
    });
}
// [/read_aloud_naively]

}  // namespace ordering::callbacks
