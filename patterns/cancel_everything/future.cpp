#include "contract.hpp"

namespace cancel_everything::futures {

// [build_page]
static future<parts> get_parts(const site& from, path draft, stop_token stop) {
  return spawn(with_stop_token(from.open_draft(draft), stop))         // 1 draft
      .then([&from, stop] {
        return with_stop_token(all_parts(from), stop);                // 2 parts
      });
}

future<page> build_page(const site& from, path draft, stop_token stop) {
  return spawn(finally(get_parts(from, draft, stop),
                       from.discard(draft)))                          // 3 clean up
      .then(put_together);                                            // 4 page
}
// [/build_page]

}  // namespace cancel_everything::futures
