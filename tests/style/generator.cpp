#include "braid/style/generator.hpp"

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <iterator>
#include <memory>
#include <range/v3/algorithm/count_if.hpp>
#include <range/v3/numeric/accumulate.hpp>
#include <range/v3/range/conversion.hpp>
#include <range/v3/view/take.hpp>
#include <range/v3/view/transform.hpp>
#include <ranges>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "braid/base/result.hpp"
#include "catch.hpp"

using namespace braid;
using namespace braid_tests;

static_assert(std::ranges::input_range<generator<int>> && std::ranges::view<generator<int>>);
static_assert(!std::ranges::forward_range<generator<int>> && !std::copyable<generator<int>>);
static_assert(ranges::input_range<generator<int>> && ranges::input_range<generator<const std::string&>>);
static_assert(std::ranges::viewable_range<generator<int>> && !std::ranges::viewable_range<generator<int>&>);

template <class G>
using element_of = std::ranges::range_reference_t<G>;
template <class G>
using value_in = std::ranges::range_value_t<G>;
static_assert(std::same_as<element_of<generator<int>>, int&&>);
static_assert(std::same_as<element_of<generator<int&>>, int&>);
static_assert(std::same_as<element_of<generator<const std::string&>>, const std::string&>);
static_assert(std::same_as<value_in<generator<const std::string&>>, std::string>);
static_assert(std::same_as<element_of<generator<std::string_view, std::string>>, std::string_view>);
static_assert(std::same_as<value_in<generator<std::string_view, std::string>>, std::string>);

namespace {

generator<int> numbers(int from = 0) {
  for (int i = from;; ++i) co_yield i;
}
generator<int> below(int end) {
  for (int i = 0; i < end; ++i) co_yield i;
}

template <class G>
auto all(G&& elements) {
  std::vector<value_in<G>> seen;
  for (auto&& each : elements) seen.push_back(std::forward<decltype(each)>(each));
  return seen;
}

struct tree {
  int value;
  std::unique_ptr<tree> left, right;
};
std::unique_ptr<tree> tree_of(int from, int to) {
  if (from == to) return nullptr;
  const int middle = (from + to) / 2;
  return std::make_unique<tree>(middle, tree_of(from, middle), tree_of(middle + 1, to));
}
generator<const int&> in_order(const tree* at) {
  if (at == nullptr) co_return;
  co_yield elements_of(in_order(at->left.get()));
  co_yield at->value;
  co_yield elements_of(in_order(at->right.get()));
}

// Writes its name to the log when it is destroyed.
class mark {
 public:
  mark(std::vector<std::string>& log, std::string name) : log_(log), name_(std::move(name)) {}
  mark(const mark&) = delete;
  mark& operator=(const mark&) = delete;
  ~mark() { log_.push_back(name_); }

 private:
  std::vector<std::string>& log_;
  std::string name_;
};

generator<int> marked(std::vector<std::string>& log, int level) {
  const mark outer(log, "first of " + std::to_string(level));
  const mark inner(log, "second of " + std::to_string(level));
  co_yield level;
  if (level > 1) co_yield elements_of(marked(log, level - 1));
}

generator<int> throws_after(int count) {
  for (int i = 0; i < count; ++i) co_yield i;
  throw std::runtime_error("out of numbers");
}

}  // namespace

TEST_CASE("generator: runs only as far as it is iterated", "[generator]") {
  int reached = 0;
  const auto steps = [&]() -> generator<int> {
    reached = 1;
    co_yield 10;
    reached = 2;
    co_yield 20;
    reached = 3;
  };
  auto lazy = steps();
  CHECK(reached == 0);
  auto at = lazy.begin();
  CHECK(reached == 1);
  CHECK(*at == 10);
  CHECK(*at == 10);
  CHECK(reached == 1);
  ++at;
  CHECK(*at == 20);
  CHECK(at != lazy.end());
  at++;
  CHECK(at == lazy.end());
  CHECK(reached == 3);
}

TEST_CASE("generator: an empty generator has no elements", "[generator]") { CHECK(all(below(0)).empty()); }

TEST_CASE("generator: is a view of the standard library", "[generator]") {
  const auto even = [](int n) { return n % 2 == 0; };
  CHECK(all(numbers() | std::views::filter(even) | std::views::transform([](int n) { return n * n; }) |
            std::views::take(4)) == std::vector{0, 4, 16, 36});
  CHECK(std::ranges::count_if(below(9), even) == 5);
  auto searched = below(9);
  CHECK(*std::ranges::find(searched, 3) == 3);
}

TEST_CASE("generator: is a range of range-v3", "[generator]") {
  auto first = below(9);
  CHECK((first | ranges::views::transform([](int n) { return n * n; }) | ranges::views::take(3) |
         ranges::to<std::vector<int>>()) == std::vector{0, 1, 4});
  CHECK((below(3) | ranges::to<std::vector>()) == std::vector{0, 1, 2});
  CHECK(ranges::accumulate(below(5), 0) == 10);
  CHECK(ranges::count_if(below(9), [](int n) { return n > 5; }) == 3);
}

TEST_CASE("generator: a reference is to the yielded object", "[generator]") {
  std::array<int, 2> held{1, 2};
  const auto refer = [&]() -> generator<int&> {
    for (int& each : held) co_yield each;
  };
  for (int& each : refer()) each *= 10;
  CHECK(held == std::array{10, 20});
}

TEST_CASE("generator: an owning element is moved out, a variable is copied", "[generator]") {
  const auto owners = []() -> generator<std::unique_ptr<int>> {
    for (int i = 0; i < 2; ++i) co_yield std::make_unique<int>(i);
  };
  auto seen = all(owners());
  CHECK(*seen.at(1) == 1);
  const auto twice = []() -> generator<std::string> {
    const std::string again = "a text too long for its object";
    std::string variable = again;
    co_yield variable;
    co_yield variable;
    co_yield std::move(variable);
    co_yield again;
  };
  CHECK(all(twice()) == std::vector<std::string>(4, "a text too long for its object"));
}

TEST_CASE("generator: with a Reference and a Value it makes values where the consumer asks for them",
          "[generator]") {
  const auto words = []() -> generator<std::string_view, std::string> {
    const std::string text = "two words";
    co_yield std::string_view(text).substr(0, 3);
    co_yield "words";
  };
  CHECK((words() | ranges::to<std::vector>()) == std::vector<std::string>{"two", "words"});
}

TEST_CASE("generator: elements_of the branches gives a tree's elements in order", "[generator]") {
  const auto root = tree_of(0, 1000);
  CHECK(std::ranges::equal(in_order(root.get()), std::views::iota(0, 1000)));
}

TEST_CASE("generator: elements_of takes any range", "[generator]") {
  const std::vector<int> held{1, 2};
  const auto ranges_in_a_row = [&]() -> generator<int> {
    co_yield 0;
    co_yield elements_of(held);
    co_yield elements_of(std::views::iota(3, 5));
    co_yield elements_of(std::vector<int>());
    auto outside = below(9);
    co_yield elements_of(outside | ranges::views::take(1));
    co_yield elements_of(generator<short>([]() -> generator<short> { co_yield short{6}; }()));
  };
  CHECK(all(ranges_in_a_row()) == std::vector{0, 1, 2, 3, 4, 0, 6});
  const auto converted = [](std::vector<const char*> from) -> generator<const std::string&> {
    co_yield elements_of(from);
  };
  CHECK(all(converted({"a", "b"})) == std::vector<std::string>{"a", "b"});
}

TEST_CASE("generator: an exception reaches the consumer and ends the range", "[generator]") {
  auto failing = throws_after(1);
  auto at = failing.begin();
  CHECK(*at == 0);
  CHECK_THROWS_WITH(++at, "out of numbers");
  CHECK(at == failing.end());
  CHECK_THROWS_WITH(throws_after(0).begin(), "out of numbers");
}

TEST_CASE("generator: an inner generator's exception leaves the co_yield, where it can be caught",
          "[generator]") {
  const auto goes_on = []() -> generator<int> {
    for (int attempt = 0; attempt < 2; ++attempt) {
      bool failed = false;
      try {
        co_yield elements_of(throws_after(2));
      } catch (const std::runtime_error&) {
        failed = true;
      }
      if (failed) co_yield -1;
    }
  };
  CHECK(all(goes_on()) == std::vector{0, 1, -1, 0, 1, -1});
  const auto passes_on = []() -> generator<int> { co_yield elements_of(throws_after(1)); };
  const auto and_on = [&]() -> generator<int> { co_yield elements_of(passes_on()); };
  auto outer = and_on();
  auto at = outer.begin();
  CHECK_THROWS_WITH(++at, "out of numbers");
  CHECK(at == outer.end());
}

TEST_CASE("generator: destroyed early, it destroys its locals, the inner ones first", "[generator]") {
  std::vector<std::string> log;
  {
    auto left = marked(log, 3);
    auto at = left.begin();
    ++at;
    ++at;
    CHECK(*at == 1);
    CHECK(log.empty());
  }
  CHECK(log == std::vector<std::string>{"second of 1", "first of 1", "second of 2", "first of 2",
                                        "second of 3", "first of 3"});
  log.clear();
  CHECK(all(marked(log, 2)) == std::vector{2, 1});
  CHECK(log.size() == 4);
}

TEST_CASE("generator: one that never began runs no code and destroys its parameters", "[generator]") {
  auto owned = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = owned;
  bool begun = false;
  {
    const auto never = [](std::shared_ptr<int> held, bool& flag) -> generator<int> {
      flag = true;
      co_yield *held;
    }(std::move(owned), begun);
    CHECK_FALSE(watch.expired());
  }
  CHECK(watch.expired());
  CHECK_FALSE(begun);
}

TEST_CASE("generator: goes on where it was after a move", "[generator]") {
  auto first = numbers();
  auto at = first.begin();
  ++at;
  auto second = std::move(first);
  CHECK(*at == 1);
  ++at;
  CHECK(*at == 2);
  second = below(1);
  CHECK(all(second) == std::vector{0});
}

TEST_CASE("generator: begin and elements_of refuse a begun and a moved-from generator", "[generator]") {
  auto once = below(3);
  (void)once.begin();
  CHECK_THROWS_AS(once.begin(), std::logic_error);
  const auto within = [](generator<int> begun) -> generator<int> { co_yield elements_of(std::move(begun)); };
  CHECK_THROWS_AS(all(within(std::move(once))), std::logic_error);
  CHECK_THROWS_AS(once.begin(), std::logic_error);
}

TEST_CASE("generator: an element costs no allocation, and frames are recycled", "[generator]") {
  if (!counts_allocations) return;
  const auto root = tree_of(0, 100);
  const auto sum = [&] { return ranges::accumulate(in_order(root.get()), 0); };
  (void)sum();
  const allocation_count count;
  const int summed = sum();
  const std::size_t made = count.made();
  CHECK(summed == 4950);
  CHECK(made == 0);
}
