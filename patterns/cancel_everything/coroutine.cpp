#include "contract.hpp"

namespace cancel_everything::coroutines {

// [build_page]
static task<parts> get_parts(const site& from, path draft) {
  co_await from.open_draft(draft);                                    // 1 draft
  co_return co_await all_parts(from);                                 // 2 parts
}

task<page> build_page(const site& from, path draft) {
  parts got = co_await finally(get_parts(from, draft),
                               from.discard(draft));                  // 3 clean up
  co_return put_together(got);                                        // 4 page
}
// [/build_page]

}  // namespace cancel_everything::coroutines
