#include "contract.hpp"

namespace cancel_everything::futures {

// [build_page]
future<page> build_page(const site& from, path draft) {
  future<parts> got = spawn(from.open_draft(draft))                   // 1 draft
      .then([&from] { return all_parts(from); });                     // 2 parts
  return spawn(as_result(std::move(got)))
      .then([&from, draft](result<parts> ended) {
        return spawn(shield(from.discard(draft)))                     // 3 clean up
            .then([ended] { return put_together(ended.value()); });   // 4 page
      });
}
// [/build_page]

}  // namespace cancel_everything::futures
