#include "braid/combine/for_each_concurrent.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <range/v3/view/filter.hpp>
#include <range/v3/view/iota.hpp>
#include <range/v3/view/transform.hpp>
#include <ranges>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/core/just.hpp"
#include "braid/schedule/resume_on.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/shield.hpp"
#include "catch.hpp"
#include "combine/room.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "recorder.hpp"
#include "sanitized.hpp"
#include "stack/small_stack.hpp"

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

// A loop on another thread.
class elsewhere {
 public:
  elsewhere() {
    promise<loop*> made;
    auto there = made.get_future();
    thread_ = std::thread([this, &made] {
      loop here;
      made.set_value(&here);
      (void)here.run(as_result(with_stop_token(sleep_for(24h), over_.get_token())));
    });
    where = loop::current().run(std::move(there));
  }
  ~elsewhere() {
    over_.request_stop();
    thread_.join();
  }
  loop* where = nullptr;

 private:
  stop_source over_;
  std::thread thread_;
};

}  // namespace

TEST_CASE("for_each_concurrent: handles every element, never more at once than the limit",
          "[for_each_concurrent]") {
  IN_EVERY_STYLE(style);
  room visited;
  std::vector<int> seen;
  const auto visit = [&](int n) -> task<> {
    const room::guest here(visited);
    for (int turns = n % 3; turns >= 0; --turns) co_await yield();
    seen.push_back(n);
  };
  CHECK(style.wait(for_each_concurrent(std::views::iota(0, 20), 4, visit)));
  CHECK(visited.most == 4);
  std::sort(seen.begin(), seen.end());
  CHECK(std::ranges::equal(seen, std::views::iota(0, 20)));
}

TEST_CASE("for_each_concurrent: takes a limit above the size of the range, and an empty range",
          "[for_each_concurrent]") {
  room visited;
  const auto visit = [&](int) -> task<> {
    const room::guest here(visited);
    co_await yield();
  };
  const std::vector<int> three(3);
  run(for_each_concurrent(three, static_cast<std::size_t>(-1), visit));
  CHECK(visited.most == 3);
  run(for_each_concurrent(std::vector<int>(), 3, visit));
  CHECK(visited.total == 3);
}

TEST_CASE("for_each_concurrent: a limit of 0 is an invalid_argument, and nothing is begun",
          "[for_each_concurrent]") {
  int begun = 0;
  const auto ended =
      run(as_result(for_each_concurrent(std::views::iota(0), 0, [&](int) { return ++begun, just(); })));
  CHECK_THROWS_AS(ended.value(), std::invalid_argument);
  CHECK_THAT(ended.error().message(), contains("for_each_concurrent"));
  CHECK(begun == 0);
}

TEST_CASE("for_each_concurrent: without a loop it is a logic_error that names the call",
          "[for_each_concurrent]") {
  recorded op(for_each_concurrent(std::vector<int>{1}, 1, [](int) { return just(); }));
  op.start();
  CHECK_THROWS_AS(op.result().value(), std::logic_error);
  CHECK_THAT(op.result().error().message(), contains("for_each_concurrent"));
}

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

TEST_CASE("for_each_concurrent: the first error stops the others and is the result once they have ended",
          "[for_each_concurrent][stop]") {
  room visited;
  int stopped = 0, produced = 0;
  const auto visit = [&](int n) -> task<> {
    const room::guest here(visited);
    if (n == 2) {
      co_await yield();
      throw std::runtime_error("the first");
    }
    stopped += !co_await as_result(sleep_for(24h));
    (void)co_await as_result(yield());
    if (n == 1) throw std::runtime_error("on the way out");
  };
  const auto endless = std::views::iota(0) | std::views::transform([&](int n) { return ++produced, n; });
  const auto ended = run(as_result(for_each_concurrent(endless, 4, visit)));
  CHECK(ended.error().message() == "the first");
  REQUIRE(ended.error().suppressed().size() == 1);
  CHECK(ended.error().suppressed()[0].message() == "on the way out");
  CHECK(visited.total == 4);
  CHECK(visited.inside == 0);
  CHECK(stopped == 3);
  CHECK(produced == 4);
}

TEST_CASE("for_each_concurrent: an exception from the function is its element's error",
          "[for_each_concurrent]") {
  int calls = 0;
  const auto ended = run(as_result(for_each_concurrent(std::views::iota(0), 3, [&](int n) {
    ++calls;
    if (n == 5) throw std::runtime_error("at 5");
    return just();
  })));
  CHECK(ended.error().message() == "at 5");
  CHECK(calls == 6);
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

TEST_CASE("for_each_concurrent: operations that never end are destroyed with the loop",
          "[for_each_concurrent][stop]") {
  room visited;
  promise<void> never;
  {
    loop here;
    auto end = never.get_future();
    detach(for_each_concurrent(std::vector<int>{1}, 3, [&](int) -> task<> {
      const room::guest in(visited);
      co_await shield(std::move(end));
    }));
    here.run(yield());
    CHECK(visited.inside == 1);
  }
  CHECK(visited.inside == 0);
}

TEST_CASE(
    "for_each_concurrent: elements and operations that end on another thread are delivered to the home loop",
    "[for_each_concurrent][thread]") {
  loop here;
  const elsewhere other;
  const auto home = std::this_thread::get_id();
  int at_home = 0;
  const auto there = [&, to = other.where](int) {
    at_home += std::this_thread::get_id() == home;
    return [](loop& far) -> task<> { co_await resume_on(far); }(*to);
  };
  here.run(for_each_concurrent(std::views::iota(0, 50), 4, there));
  CHECK(at_home == 50);

  struct far_numbers {
    loop* far;
    int at = 0;
    task<std::optional<int>> next() {
      co_await resume_on(*far);
      co_return at == 50 ? std::nullopt : std::optional(at++);
    }
  };
  here.run(for_each_concurrent(far_numbers{other.where}, 4, there));
  CHECK(at_home == 100);
}

TEST_CASE("for_each_concurrent: 1,000,000 operations that end at once take constant stack and memory",
          "[for_each_concurrent][stack][allocation]") {
  const int count = sanitized ? 100'000 : 1'000'000;
  const auto [visited, allocated] = on_small_stack([&] {
    loop here;
    int calls = 0;
    struct at_once {
      int at, end;
      auto next() { return just(at == end ? std::nullopt : std::optional(at++)); }
    };
    const auto visit = [&](int) { return ++calls, just(); };
    const auto visit_in_task = [&](int) -> task<> {
      ++calls;
      co_return;
    };
    here.run(for_each_concurrent(std::views::iota(0, 10), 4, visit_in_task));
    calls = 0;
    const allocation_count made;
    here.run(for_each_concurrent(std::views::iota(0, count), 4, visit));
    here.run(for_each_concurrent(std::views::iota(0, count), 1, visit_in_task));
    here.run(for_each_concurrent(at_once{0, count}, 4, visit));
    return std::pair(calls, made.made());
  });
  CHECK(visited == 3 * count);
  CHECK(allocated <= 3);
}

TEST_CASE("for_each_concurrent: can be stopped at each suspension", "[for_each_concurrent][stop]") {
  const auto visit = [](auto&& n) -> task<> {
    const auto turns = [](const auto& number) {
      if constexpr (requires { *number; })
        return *number % 3;
      else
        return number % 3;
    }(n);
    for (int left = turns; left > 0; --left) co_await yield();
  };
  CHECK(every_cancellation([&] { return for_each_concurrent(std::views::iota(0, 9), 3, visit); }) > 5);
  CHECK(every_cancellation([&] { return for_each_concurrent(stash(6), 2, visit); }) > 5);
}
