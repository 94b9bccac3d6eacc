#include "contract.hpp"

namespace race_and_timeout::coroutines {

// [get_page]
task<page> get_page(const mirrors& from, milliseconds limit) {
  auto every = from.fetch_each();                                     // 1 ask all
  auto first = first_ok(std::move(every));                            // 2 the first wins
  auto in_time = with_timeout(std::move(first), limit);               // 3 until the limit
  any_result<page> won = co_await std::move(in_time);                 // 4 wait
  co_return won.value;
}
// [/get_page]

// [get_whatever_ends_first]
task<page> get_whatever_ends_first(const mirrors& from, milliseconds limit) {
  auto every = from.fetch_each();                                     // 1 ask all
  auto first = when_any(std::move(every));                            // 2 first to end
  auto in_time = with_timeout(std::move(first), limit);               // 3 until the limit
  any_result<page> won = co_await std::move(in_time);                 // 4 wait
  co_return won.value;
}
// [/get_whatever_ends_first]

}  // namespace race_and_timeout::coroutines
