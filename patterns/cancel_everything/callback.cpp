#include "contract.hpp"

namespace cancel_everything::callbacks {

// [build_page]
static void clean_up(const site& from, path draft, result<parts> got,
                     handler<page> done);

void build_page(const site& from, path draft, stop_token stop, handler<page> done) {
  start(with_stop_token(from.open_draft(draft), stop),                // 1 draft
        [&from, draft, stop, done = std::move(done)](result<void> opened) mutable {
    if (!opened) return clean_up(from, draft, opened.error(), std::move(done));
    start(with_stop_token(all_parts(from), stop),                     // 2 parts
          [&from, draft, done = std::move(done)](result<parts> got) mutable {
      clean_up(from, draft, std::move(got), std::move(done));
    });
  });
}

static void clean_up(const site& from, path draft, result<parts> got,
                     handler<page> done) {
  start(from.discard(draft),                                          // 3 clean up
        [got = std::move(got), done = std::move(done)](result<void> gone) mutable {
    if (!gone) return done(gone.error());
    done(got.transform(put_together));                                // 4 page
  });
}
// [/build_page]

}  // namespace cancel_everything::callbacks
