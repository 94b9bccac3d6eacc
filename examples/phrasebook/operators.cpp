// The samples of docs/phrasebook.md: operators on streams.
#include <string>
#include <tuple>
#include <utility>

#include "sample.hpp"

using namespace braid;

namespace {

/// Yields each character of `text`; before each one it pauses.
async_generator<std::string> typed(std::string text, std::chrono::milliseconds pause) {
  for (const char one : text) {
    co_await sleep_for(one == ' ' ? 50ms : pause);
    if (one != ' ') co_yield std::string(1, one);
  }
}

template <class Range>
task<std::string> joined(Range from) {
  std::string all;
  while (auto each = co_await from.next()) all += *each;
  co_return all;
}

// [zip]
task<std::string> pairs() {
  auto both = zip(typed("abc", 10ms), typed("12", 15ms));
  std::string all;
  while (const auto pair = co_await both.next()) all += std::get<0>(*pair) + std::get<1>(*pair) + " ";
  co_return all;  // until one of them ends
}
// [/zip]

// [combine]
task<std::string> latest_of_each() {
  auto both = combine_latest(typed("ab", 10ms), typed("12", 15ms));
  std::string all;
  while (const auto pair = co_await both.next()) all += std::get<0>(*pair) + std::get<1>(*pair) + " ";
  co_return all;  // a tuple for each change, from the first of all on
}
// [/combine]

// [debounce]
auto once_typing_pauses() {
  return typed("ab cd ", 5ms) | debounce(20ms);  // b, d
}
// [/debounce]

// [throttle]
auto at_most_one_in_20_ms() {
  return typed("abcdef", 10ms) | throttle(20ms, throttle_edge::trailing);  // leading: the first instead
}
// [/throttle]

// [scan]
auto so_far() {
  const auto append = [](std::string text, std::string more) { return text + more; };
  return typed("abc", 1ms) | scan(std::string(), append);  // each intermediate result
}
// [/scan]

// [distinct]
auto only_changes() {
  return typed("aabba", 1ms) | distinct();  // distinct_within(n): not one of the last n
}
// [/distinct]

// [flat_map]
auto inner_streams_at_once() {
  const auto twice = [](std::string each) { return typed(each + each, 10ms); };
  return typed("abc", 1ms) | flat_map(twice, 2);  // two of them run at once
}
// [/flat_map]

// [latest]
auto only_the_newest_inner_stream() {
  const auto answers = [](std::string each) { return typed(each + "!", 20ms); };
  return typed("ab cd ", 5ms) | flat_map_latest(answers);  // the one before is stopped, and waited for
}
// [/latest]

// [timeout]
auto each_within_20_ms() {
  return typed("ab c", 10ms) | timeout(20ms);  // fails with std::errc::timed_out before c
}
// [/timeout]

}  // namespace

int main() {
  samples all;
  all.expect("zip", pairs(), "a1 b2 ", 30ms);
  all.expect("combine", latest_of_each(), "a1 b1 b2 ", 30ms);
  all.expect("debounce", joined(once_typing_pauses()), "bd", 120ms);
  all.expect("throttle", joined(at_most_one_in_20_ms()), "bdf", 60ms);
  all.expect("scan", joined(so_far()), "aababc", 3ms);
  all.expect("distinct", joined(only_changes()), "aba", 5ms);
  all.expect("flat_map", joined(inner_streams_at_once()), "ababcc", 42ms);
  all.expect("latest", joined(only_the_newest_inner_stream()), "b!d!", 120ms);
  all.expect("timeout", as_result(joined(each_within_20_ms())), std::errc::timed_out, 40ms);
  return all.failures();
}
