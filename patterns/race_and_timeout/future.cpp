#include "contract.hpp"

namespace race_and_timeout::futures {

// [get_page]
future<page> get_page(const mirrors& from, milliseconds limit) {
  return spawn(with_timeout(first_ok(                                 // 2 the first wins
                   from.fetch_each()),                                // 1 ask all
               limit))                                                // 3 until the limit
      .then([](any_result<page> first) { return first.value; });
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
  (void)spawn(sleep_for(limit)).then([waiting] {
    if (*waiting) (*waiting)->set_error(std::errc::timed_out);        // 3 until the limit
    waiting->reset();
  });
  return first;
}
// [/get_page_naively]

}  // namespace race_and_timeout::futures
