// How a concurrent walk reads its range: when it takes an element, and where the range ends.

#include "braid/combine/for_each_concurrent.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <memory>
#include <range/v3/view/filter.hpp>
#include <range/v3/view/iota.hpp>
#include <range/v3/view/transform.hpp>
#include <ranges>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "braid/combine/with_stop_token.hpp"
#include "braid/core/just.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "combine/room.hpp"
#include "every_cancellation.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

// A single-pass range. It returns references to its only element, and fails at a given position.
class stash {
 public:
  explicit stash(int end, int fails_at = -1) : end_(end), fails_at_(fails_at) {}
  struct iterator {
    using value_type = std::unique_ptr<int>;
    using difference_type = std::ptrdiff_t;
    stash* of;
    std::unique_ptr<int>& operator*() const { return of->now_; }
    iterator& operator++() {
      of->next();
      return *this;
    }
    void operator++(int) { of->next(); }
    friend bool operator==(const iterator& i, std::default_sentinel_t) { return i.of->over(); }
  };
  iterator begin() {
    next();
    return {this};
  }
  std::default_sentinel_t end() const { return {}; }
  int made() const { return made_; }
  bool over() const { return made_ > end_ + 1; }

 private:
  void next() {
    if (made_ == fails_at_) throw std::runtime_error("no more than " + std::to_string(made_));
    now_ = std::make_unique<int>(made_++);
  }
  std::unique_ptr<int> now_;
  int made_ = 0;
  int end_, fails_at_;
};
static_assert(std::ranges::input_range<stash> && !std::ranges::forward_range<stash>);

}  // namespace

TEST_CASE("for_each_concurrent: a lazy range makes an element only when an operation may begin",
          "[for_each_concurrent]") {
  loop here;
  int produced = 0;
  std::vector<promise<void>> gates(6);
  const auto produce = [&](int n) { return ++produced, n; };
  const auto pass = [&](int n) { return gates[static_cast<std::size_t>(n)].get_future(); };
  const auto watch = [&](auto numbers_in) {
    produced = 0;
    gates = std::vector<promise<void>>(6);
    auto done = spawn(for_each_concurrent(numbers_in, 2, pass));
    CHECK(produced == 2);
    for (std::size_t n = 0; n < gates.size(); ++n) {
      gates[n ^ 1].set_value();  // out of order
      for (int turn = 0; turn < 3; ++turn) here.run(yield());
      CHECK(produced == std::min<int>(static_cast<int>(n) + 3, 6));
    }
    here.run(std::move(done));
  };
  watch(std::views::iota(0, 6) | std::views::transform(produce));
  watch(ranges::views::iota(0, 6) | ranges::views::transform(produce));
}

TEST_CASE("for_each_concurrent: takes a single-pass range whose one element is moved out each time",
          "[for_each_concurrent]") {
  stash of_ten(9);
  int total = 0;
  const auto add = [&](std::unique_ptr<int> n) -> task<> {
    CHECK(of_ten.made() - *n <= 4);
    co_await yield();
    total += *n;
  };
  run(for_each_concurrent(of_ten, 3, add));
  CHECK(total == 45);
  std::istringstream text("1 2 3 4");
  total = 0;
  const auto add_number = [&](int n) -> task<> {
    co_await yield();
    total += n;
  };
  run(for_each_concurrent(std::views::istream<int>(text), 2, add_number));
  CHECK(total == 10);
}

TEST_CASE("for_each_concurrent: leaves the caller's container alone, and moves from one that was moved in",
          "[for_each_concurrent]") {
  std::vector<std::string> names{std::string(50, 'a'), std::string(50, 'b')};
  const auto before = names;
  std::vector<std::string> got;
  const auto take = [&](std::string name) -> task<> {
    co_await yield();
    got.push_back(std::move(name));
  };
  run(for_each_concurrent(names, 1, take));
  run(for_each_concurrent(names | std::views::filter([](auto&) { return true; }), 1, take));
  run(for_each_concurrent(names | ranges::views::filter([](auto&) { return true; }), 1, take));
  CHECK(names == before);
  CHECK(got.size() == 6);

  std::vector<const std::string*> addresses;
  const auto look = [&](const std::string& name) { return addresses.push_back(&name), just(); };
  run(for_each_concurrent(std::as_const(names), 1, look));
  CHECK(addresses == std::vector<const std::string*>{&names[0], &names[1]});
  const auto change = [](std::string& name) { return name = "changed", just(); };
  run(for_each_concurrent(names, 1, change));
  CHECK(names == std::vector<std::string>{"changed", "changed"});

  std::vector<std::unique_ptr<int>> owned;
  for (int n = 1; n <= 3; ++n) owned.push_back(std::make_unique<int>(n));
  int total = 0;
  run(for_each_concurrent(std::move(owned), 2, [&](std::unique_ptr<int> n) { return total += *n, just(); }));
  CHECK(total == 6);
}

TEST_CASE("for_each_concurrent: keeps an element and the function until the operation has ended",
          "[for_each_concurrent]") {
  const std::string text(100, 'x');
  int right = 0;
  const auto made = [](int n) { return std::string(100, static_cast<char>('a' + n)); };
  run(for_each_concurrent(std::views::iota(0, 3) | std::views::transform(made), 2,
                          [text, &right](const std::string& element) -> task<> {
                            const char first = element[0];
                            co_await sleep_for(1us);
                            right += element == std::string(100, first) && text == std::string(100, 'x');
                          }));
  CHECK(right == 3);
}

TEST_CASE(
    "for_each_concurrent: an exception from the range stops the operations and is the result once they have "
    "ended",
    "[for_each_concurrent]") {
  room visited;
  const auto visit = [&](auto) -> task<> {
    const room::guest here(visited);
    co_await sleep_for(24h);
  };
  const auto fails = [&](auto&& range) {
    visited = {};
    const auto ended = run(as_result(for_each_concurrent(std::forward<decltype(range)>(range), 3, visit)));
    CHECK(visited.inside == 0);
    CHECK(ended.error().suppressed().empty());
    return ended.error().message() + ", " + std::to_string(visited.total) + " begun";
  };
  CHECK(fails(stash(9, 0)) == "no more than 0, 0 begun");
  CHECK(fails(stash(9, 2)) == "no more than 2, 2 begun");
  const auto at_two = [](int n) { return n == 2 ? throw std::runtime_error("in the view") : n; };
  CHECK(fails(std::views::iota(0) | std::views::transform(at_two)) == "in the view, 2 begun");
}

TEST_CASE("for_each_concurrent: an endless range goes on until it is stopped",
          "[for_each_concurrent][stop]") {
  loop here;
  stop_source stop;
  room visited;
  SECTION("operations that wait") {
    const auto visit = [&](int n) -> task<> {
      const room::guest in(visited);
      if (n == 1000) stop.request_stop();
      co_await yield();
    };
    const auto ended = here.run(
        as_result(with_stop_token(for_each_concurrent(std::views::iota(0), 8, visit), stop.get_token())));
    CHECK(ended == std::errc::operation_canceled);
    CHECK(visited.total == 1001);
    CHECK(visited.inside == 0);
  }
  SECTION("operations that end at once, beside other work") {
    int others = 0;
    detach([&]() -> task<> {
      for (; others < 10; ++others) co_await yield();
      stop.request_stop();
    });
    const auto ended = here.run(as_result(with_stop_token(
        for_each_concurrent(std::views::iota(0), 8, [](int) { return just(); }), stop.get_token())));
    CHECK(ended == std::errc::operation_canceled);
    CHECK(others == 10);
  }
}

TEST_CASE("for_each_concurrent: the loop's end ends an endless range", "[for_each_concurrent][stop]") {
  room visited;
  {
    loop here;
    detach(for_each_concurrent(std::views::iota(0), 3, [](int) { return just(); }));
    detach(for_each_concurrent(std::views::iota(0), 3, [&](int) -> task<> {
      const room::guest in(visited);
      (void)co_await as_result(sleep_for(24h));
    }));
    here.run(yield());
    CHECK(visited.inside > 0);
  }
  CHECK(visited.inside == 0);
}

TEST_CASE("for_each_concurrent: can be stopped at each suspension with a single-pass range",
          "[for_each_concurrent][stop]") {
  const auto visit = [](std::unique_ptr<int> n) -> task<> {
    for (int left = *n % 3; left > 0; --left) co_await yield();
  };
  CHECK(every_cancellation([&] { return for_each_concurrent(stash(6), 2, visit); }) > 5);
}
