#include "contract.hpp"

namespace race_and_timeout::blocking {

// [get_page]
page get_page(const mirrors& from, milliseconds limit) {
  auto first = run(with_timeout(first_ok(                             // 2 the first wins
                       from.fetch_each()),                            // 1 ask all
                   limit));                                           // 3 until the limit
  return first.value;
}
// [/get_page]

}  // namespace race_and_timeout::blocking
