#include "contract.hpp"

namespace race_and_timeout::coroutines {

// [get_page]
task<page> get_page(const mirrors& from, milliseconds limit) {
  auto first = co_await with_timeout(first_ok(                        // 2 the first wins
                            from.fetch_each()),                       // 1 ask all
                        limit);                                       // 3 until the limit
  co_return first.value;
}
// [/get_page]

// [get_whatever_ends_first]
task<page> get_whatever_ends_first(const mirrors& from, milliseconds limit) {
  auto first = co_await with_timeout(when_any(                        // 2 first to end
                            from.fetch_each()),                       // 1 ask all
                        limit);                                       // 3 until the limit
  co_return first.value;
}
// [/get_whatever_ends_first]

}  // namespace race_and_timeout::coroutines
