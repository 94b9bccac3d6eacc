// The samples of docs/phrasebook.md: streams, whose elements arrive one by one.
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "sample.hpp"

using namespace braid;

namespace {

// [generator]
async_generator<std::string> pages(int count) {
  for (int n = 1; n <= count; ++n) co_yield co_await fetch("page " + std::to_string(n));
}

task<std::size_t> characters() {
  auto from = pages(3);  // nothing runs until next() is awaited
  std::size_t sum = 0;
  while (const auto page = co_await from.next()) sum += page->size();
  co_return sum;
}
// [/generator]

// [views]
task<std::string> composed() {
  const auto is_even = [](const std::string& page) { return page.back() % 2 == 0; };
  const auto detail = [](std::string page) {
    return fetch("of " + page);
  };  // a sender: awaited, one at a time
  auto details = pages(100) | filter(is_even) | transform(detail) | take(2);  // the rest is never fetched
  std::string all;
  while (const auto each = co_await details.next()) all += *each + ", ";
  co_return all;
}
// [/views]

// [chunk]
task<std::size_t> in_pairs() {
  auto pairs = pages(5) | chunk(2);
  std::size_t seen = 0;
  while (co_await pairs.next()) ++seen;  // vectors of two, two and one
  co_return seen;
}
// [/chunk]

// [buffered]
task<std::string> two_at_once() {
  const auto detail = [](std::string page) { return fetch("of " + page, 30ms); };
  auto details = pages(3) | transform(detail) | buffered(2);  // in the order of the pages
  std::string last;
  while (auto each = co_await details.next()) last = *std::move(each);
  co_return last;
}
// [/buffered]

// [merge]
task<std::string> from_both() {
  const auto ticks = [](char name, std::chrono::milliseconds every) -> async_generator<char> {
    for (int n = 0; n < 2; ++n) {
      co_await sleep_for(every);
      co_yield name;
    }
  };
  auto both = merge(ticks('a', 10ms), ticks('b', 15ms));
  std::string order;
  while (const auto each = co_await both.next()) order += *each;
  co_return order;
}
// [/merge]

// [each]
task<int> for_each_page() {
  int fetched = 0;
  const auto detail = [&](std::string page) -> task<> {
    co_await fetch("of " + page, 20ms);
    ++fetched;
  };
  co_await for_each_concurrent(pages(4), 2, detail);  // two at a time; also over vectors and views
  co_return fetched;
}
// [/each]

// [buffer]
task<int> producer_runs_ahead() {
  channel<std::string> ahead(8);
  const auto produce = [&]() -> task<> {
    auto from = pages(4);
    while (auto page = co_await from.next()) co_await ahead.send(*std::move(page));
    ahead.close();
  };
  const auto consume = [&]() -> task<int> {
    int seen = 0;
    auto slow = ahead.elements() | transform([](std::string page) { return fetch(std::move(page)); });
    while (co_await slow.next()) ++seen;
    co_return seen;
  };
  const auto [nothing, seen] = co_await when_all(produce, consume);
  co_return seen;
}
// [/buffer]

// [synchronous]
generator<int> fibonacci() {
  for (int a = 0, b = 1;; a = std::exchange(b, a + b)) co_yield a;
}

int below_a_hundred() {
  int sum = 0;
  for (const int number : fibonacci()) {  // an input range: std::views work on it
    if (number >= 100) break;
    sum += number;
  }
  return sum;
}
// [/synchronous]

}  // namespace

int main() {
  samples all;
  all.expect("generator", characters(), 18U, 30ms);
  all.expect("views", composed(), "of page 2, of page 4, ", 60ms);
  all.expect("chunk", in_pairs(), 3U, 50ms);
  all.expect("buffered", two_at_once(), "of page 3", 80ms);
  all.expect("merge", from_both(), "abab", 30ms);
  all.expect("each", for_each_page(), 4, 70ms);
  all.expect("buffer", producer_runs_ahead(), 4, 50ms);
  all.expect("synchronous", just(below_a_hundred()), 232);
  return all.failures();
}
