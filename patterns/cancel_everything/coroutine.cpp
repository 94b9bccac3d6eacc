#include "contract.hpp"

namespace cancel_everything::coroutines {

// [build_page]
static task<parts> get_parts(const site& from, path draft, stop_token stop) {
  co_await with_stop_token(from.open_draft(draft), stop);             // 1 draft
  co_return co_await with_stop_token(all_parts(from), stop);          // 2 parts
}

task<page> build_page(const site& from, path draft, stop_token stop) {
  parts got = co_await finally(get_parts(from, draft, stop),
                               from.discard(draft));                  // 3 clean up
  co_return put_together(got);                                        // 4 page
}
// [/build_page]

}  // namespace cancel_everything::coroutines
