#include "contract.hpp"

namespace cancel_everything::fibers {

// [build_page]
page build_page(const site& from, path draft) {
  result<parts> got = capture([&] {
    await(from.open_draft(draft));                                    // 1 draft
    return await(all_parts(from));                                    // 2 parts
  });
  await(shield(from.discard(draft)));                                 // 3 clean up
  return put_together(got.value());                                   // 4 page
}
// [/build_page]

}  // namespace cancel_everything::fibers
