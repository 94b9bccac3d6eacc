#include "contract.hpp"

namespace cancel_everything::fibers {

// [build_page]
page build_page(const site& from, path draft, stop_token stop) {
  result<parts> got = capture([&] {
    await(with_stop_token(from.open_draft(draft), stop));             // 1 draft
    return await(with_stop_token(all_parts(from), stop));             // 2 parts
  });
  await(shield(from.discard(draft)));                                 // 3 clean up
  return put_together(got.value());                                   // 4 page
}
// [/build_page]

}  // namespace cancel_everything::fibers
