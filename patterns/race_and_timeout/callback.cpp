#include "contract.hpp"

namespace race_and_timeout::callbacks {

// [get_page]
void get_page(const mirrors& from, milliseconds limit, handler<page> done) {
  start(with_timeout(first_ok(                                        // 2 the first wins
            from.fetch_each()),                                       // 1 ask all
        limit),                                                       // 3 until the limit
        [done = std::move(done)](result<any_result<page>> first) mutable {
    if (!first) return done(first.error());
    done(first->value);
  });
}
// [/get_page]

// [get_page_naively]
void get_page_naively(const mirrors& from, milliseconds limit, handler<page> done) {
  auto waiting = std::make_shared<handler<page>>(std::move(done));
  const auto tell = [waiting](result<page> first) {
    if (*waiting) std::exchange(*waiting, {})(std::move(first));
  };
  for (task<page>& each : from.fetch_each())
    start(std::move(each), [tell](result<page> answer) {              // 1 ask all
      if (answer) tell(answer);                                       // 2 the first wins
    });
  start(sleep_for(limit), [tell](result<void>) {
    tell(error(std::errc::timed_out));                                // 3 until the limit
  });
}
// [/get_page_naively]

}  // namespace race_and_timeout::callbacks
