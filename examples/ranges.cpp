// Joins over ranges. A view makes the operations while the join iterates over it; no list is built by hand.

#include <braid/braid.hpp>

#include <cstdio>
#include <range/v3/view/chunk.hpp>
#include <range/v3/view/filter.hpp>
#include <range/v3/view/transform.hpp>
#include <string>
#include <vector>

using namespace std::chrono_literals;
namespace views = ranges::views;

braid::task<std::string> fetch(int id) {
  co_await braid::sleep_for(std::chrono::milliseconds(5 - id % 5));  // later pages arrive sooner
  co_return "page " + std::to_string(id);
}

void show(const char* how, const std::vector<std::string>& pages) {
  std::printf("%s:", how);
  for (const std::string& page : pages) std::printf(" %s,", page.c_str());
  std::printf(" in order\n");
}

// [all]
braid::task<> all_at_once(const std::vector<int>& ids) {
  show("all at once", co_await braid::when_all(ids | views::transform(fetch)));
}
// [/all]

// [chunks]
braid::task<> two_at_a_time(const std::vector<int>& ids) {
  for (auto chunk : ids | views::chunk(2))  // begins the next two when both have arrived
    show("two at a time", co_await braid::when_all(chunk | views::transform(fetch)));
}
// [/chunks]

// [map]
braid::task<> never_more_than_two(const std::vector<int>& ids) {
  auto odd = ids | views::filter([](int id) { return id % 2 == 1; });
  show("never more than two", co_await braid::map_concurrent(odd, 2, fetch));  // one arrives, one begins
}
// [/map]

// [first]
braid::task<> whichever_is_first(const std::vector<int>& ids) {
  auto [which, page] = co_await braid::when_any(ids | views::transform(fetch));  // the others are cancelled
  std::printf("whichever is first: %s, of id %d\n", page.c_str(), ids[which]);
}
// [/first]

int main() {
  const std::vector<int> ids{1, 2, 3, 4, 5, 6, 7};
  braid::loop loop;
  loop.run(all_at_once(ids));
  loop.run(two_at_a_time(ids));
  loop.run(never_more_than_two(ids));
  loop.run(whichever_is_first({1, 2, 3, 4}));
}
