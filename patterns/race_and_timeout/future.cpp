#include "contract.hpp"

namespace race_and_timeout::futures {

// [get_page]
future<page> get_page(const mirrors& from, milliseconds limit) {
  auto every = from.fetch_each();                                     // 1 ask all
  auto first = first_ok(std::move(every));                            // 2 the first wins
  auto in_time = with_timeout(std::move(first), limit);               // 3 until the limit
  return spawn(std::move(in_time))                                    // 4 wait
      .then([](any_result<page> won) { return won.value; });
}
// [/get_page]

// [get_page_naively]
future<page> get_page_naively(const mirrors& from, milliseconds limit) {
  auto waiting = std::make_shared<std::optional<promise<page>>>(std::in_place);
  future<page> first = (*waiting)->get_future();
  for (task<page>& each : from.fetch_each())
    (void)spawn(std::move(each))                                      // 1 ask all
        .then([waiting](page answer) {
          if (*waiting) (*waiting)->set_value(std::move(answer));     // 2 the first wins
          waiting->reset();
        })
        .catch_error([](const error&) {});
  (void)spawn(sleep_for(limit))
      .then([waiting] {
        if (*waiting) (*waiting)->set_error(std::errc::timed_out);    // 3 until the limit
        waiting->reset();
      });
  return first;
}
// [/get_page_naively]

}  // namespace race_and_timeout::futures
