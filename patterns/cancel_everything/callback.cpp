#include "contract.hpp"

namespace cancel_everything::callbacks {

// [build_page]
void build_page(const site& from, path draft, stop_token stop, handler<page> done) {
  auto clean_up = [&from, draft, done = std::move(done)](result<parts> got) mutable {
    start(from.discard(draft),                                        // 3 clean up
          [got = std::move(got), done = std::move(done)](result<void> gone) mutable {
      if (!gone) return done(gone.error());
      done(got.transform(put_together));                              // 4 page
    });
  };
  start(with_stop_token(from.open_draft(draft), stop),                // 1 draft
        [&from, stop, clean_up = std::move(clean_up)](result<void> opened) mutable {
    if (!opened) return clean_up(opened.error());
    start(with_stop_token(all_parts(from), stop),                     // 2 parts
          std::move(clean_up));
  });
}
// [/build_page]

}  // namespace cancel_everything::callbacks
