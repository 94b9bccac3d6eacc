#include "contract.hpp"

namespace race_and_timeout::callbacks {

// [get_page]
void get_page(const mirrors& from, milliseconds limit, handler<page> done) {
  auto every = from.fetch_each();                                     // 1 ask all
  auto first = first_ok(std::move(every));                            // 2 the first wins
  auto in_time = with_timeout(std::move(first), limit);               // 3 until the limit
  start(std::move(in_time),                                           // 4 wait
        [done = std::move(done)](result<any_result<page>> won) mutable {
    if (!won) return done(won.error());
    done(won->value);
  });
}
// [/get_page]

// [get_page_naively]
void get_page_naively(const mirrors& from, milliseconds limit, handler<page> done) {
  auto waiting = std::make_shared<handler<page>>(std::move(done));
  const auto call_once = [waiting](result<page> answer) {
    if (*waiting) std::exchange(*waiting, {})(std::move(answer));
  };
  for (task<page>& each : from.fetch_each())
    start(std::move(each), [call_once](result<page> answer) {         // 1 ask all
      if (answer) call_once(answer);                                  // 2 the first wins
    });
  start(sleep_for(limit), [call_once](result<void>) {
    call_once(error(std::errc::timed_out));                           // 3 until the limit
  });
}
// [/get_page_naively]

}  // namespace race_and_timeout::callbacks
