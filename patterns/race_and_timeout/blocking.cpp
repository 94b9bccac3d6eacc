#include "contract.hpp"

namespace race_and_timeout::blocking {

// [get_page]
page get_page(const mirrors& from, milliseconds limit) {
  auto every = from.fetch_each();                                     // 1 ask all
  auto first = first_ok(std::move(every));                            // 2 the first wins
  auto in_time = with_timeout(std::move(first), limit);               // 3 until the limit
  any_result<page> won = run(std::move(in_time));                     // 4 wait
  return won.value;
}
// [/get_page]

}  // namespace race_and_timeout::blocking
