#include "braid/style/distinct.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "braid/style/async_generator.hpp"
#include "braid/style/run.hpp"
#include "catch.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;

namespace {

template <class T = int>
async_generator<T> each_of(std::vector<T> elements) {
  for (T& each : elements) co_yield std::move(each);
}
template <async_range Range>
task<std::vector<async_range_value_t<Range>>> all(Range range) {
  std::vector<async_range_value_t<Range>> seen;
  while (auto each = co_await range.next()) seen.push_back(*std::move(each));
  co_return seen;
}

}  // namespace

TEST_CASE("distinct: leaves out what equals the element before", "[distinct]") {
  IN_EVERY_STYLE(style);
  loop here;
  auto changes = distinct(each_of({1, 1, 2, 2, 1, 3, 3}));
  for (const int expected : {1, 2, 1, 3}) CHECK(style.wait(changes.next()).value() == expected);
  CHECK(style.wait(changes.next()).value() == std::nullopt);
}

TEST_CASE("distinct: compares keys; elements need not be copied", "[distinct]") {
  loop here;
  CHECK(here.run(all(each_of({1, -1, 2, -2, -1}) | distinct([](int n) { return n * n; }))) ==
        std::vector{1, 2, -1});
  const auto owners = []() -> async_generator<std::unique_ptr<int>> {
    for (const int n : {1, 1, 2}) co_yield std::make_unique<int>(n);
  };
  const auto value = [](const std::unique_ptr<int>& n) { return *n; };
  CHECK(here.run(all(owners() | distinct(value))).size() == 2);
  CHECK(here.run(all(distinct_within(owners(), 5, value))).size() == 2);
}

TEST_CASE("distinct_within: leaves out what it remembers, and forgets the oldest", "[distinct]") {
  IN_EVERY_STYLE(style);
  loop here;
  auto once = distinct_within(each_of({1, 2, 1, 3, 2, 1}), 2);
  for (const int expected : {1, 2, 3, 1}) CHECK(style.wait(once.next()).value() == expected);
  CHECK(style.wait(once.next()).value() == std::nullopt);
  CHECK_THROWS_AS(distinct_within(each_of({1}), 0), std::invalid_argument);
  CHECK(here.run(all(each_of<std::string>({"a", "b", "a"}) | distinct_within(1))).size() == 3);
}

TEST_CASE("distinct_within: random elements give what a model gives", "[distinct][property]") {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    const std::size_t most = 1 + random() % 5;
    std::vector<int> elements(random() % 40);
    for (int& each : elements) each = static_cast<int>(random() % 8);
    std::deque<int> remembered;
    std::vector<int> expected;
    for (const int each : elements) {
      if (std::ranges::find(remembered, each) != remembered.end()) continue;
      remembered.push_back(each);
      if (remembered.size() > most) remembered.pop_front();
      expected.push_back(each);
    }
    CHECK(run(all(each_of(elements) | distinct_within(most))) == expected);
  }
}

TEST_CASE("distinct: an element costs no allocation once the memory is full", "[distinct][allocation]") {
  if (!counts_allocations) return;
  loop here;
  const auto numbers = []() -> async_generator<int> {
    for (int n = 0;; ++n) co_yield n;
  };
  auto endless = numbers() | distinct() | distinct_within(16);
  const auto some = [&]() -> task<void> {
    for (int n = 0; n < 100; ++n) co_await endless.next();
  };
  here.run(some);
  const allocation_count count;
  here.run(some);
  const std::size_t made = count.made();
  CHECK(made == 0);
}
