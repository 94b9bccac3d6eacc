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
    result<void> outcome;
  };
  auto state = std::make_shared<reading>(std::move(done));
  for (int n : book::pages)
    start(from.fetch(n), [&to, state](result<page> came) {            // 1 ask for all
      if (came)
        state->early.emplace(came->number, *came);                    // 2 in its turn
      else if (state->outcome)
        state->outcome = came.error();
      while (!state->early.empty() && state->early.begin()->first == state->next) {
        to.tell(state->early.begin()->second.text);                   // 3 say
        state->early.erase(state->early.begin());
        ++state->next;
      }
      if (--state->to_come == 0) state->done(state->outcome);
    });
}
// [/read_aloud]

// [read_aloud_naively]
void read_aloud_naively(const book& from, listener& to, handler<void> done) {
  struct reading {
    handler<void> done;
    std::size_t to_come = book::pages.size();
    result<void> outcome;
  };
  auto state = std::make_shared<reading>(std::move(done));
  for (int n : book::pages)
    start(from.fetch(n), [&to, state](result<page> came) {            // 1 ask for all
      if (came)
        to.tell(came->text);                                          // 3 say
      else if (state->outcome)
        state->outcome = came.error();
      if (--state->to_come == 0) state->done(state->outcome);
    });
}
// [/read_aloud_naively]

}  // namespace ordering::callbacks
