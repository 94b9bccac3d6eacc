#include "braid/style/async_generator.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "braid/loop/nop.hpp"
#include "braid/schedule/resume_on.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/async_range.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

static_assert(async_range<async_generator<int>> && async_range<async_generator<int>&>);
static_assert(std::is_same_v<async_range_value_t<async_generator<std::string>&>, std::string>);
static_assert(!async_range<task<int>> && !async_range<int>);

namespace {

// Some elements wait for the run queue, some for the kernel; the others are there at once.
async_generator<int> below(int end) {
  for (int i = 0; i < end; ++i) {
    if (i % 3 == 1) co_await yield();
    if (i % 5 == 1) co_await nop();
    co_yield i;
  }
}

task<std::vector<int>> all(async_generator<int> elements) {
  std::vector<int> seen;
  while (auto each = co_await elements.next()) seen.push_back(*each);
  co_return seen;
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

async_generator<int> marked(std::vector<std::string>& log) {
  const mark outer(log, "outer");
  const mark inner(log, "inner");
  co_yield 1;
  co_await yield();
  co_yield 2;
}

async_generator<int> one_then_waits_for(future<void> later, std::vector<std::string>& log) {
  const mark held(log, "generator");
  co_yield 1;
  co_await std::move(later);
  co_yield 2;
}

// A second loop, on another thread.
class other_thread {
 public:
  other_thread() {
    promise<loop*> known;
    auto there = known.get_future();
    thread_ = std::thread([made = std::move(known), end = over_.get_future()]() mutable {
      loop here;
      made.set_value(&here);
      here.run(std::move(end));
    });
    loop_ = std::move(there).get();
  }
  other_thread(const other_thread&) = delete;
  other_thread& operator=(const other_thread&) = delete;
  ~other_thread() {
    over_.set_value();
    thread_.join();
  }
  [[nodiscard]] loop& there() const noexcept { return *loop_; }

 private:
  promise<void> over_;
  loop* loop_;
  std::thread thread_;
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("async_generator: gives its elements in order, then nothing", "[async_generator]",
                        every_style) {
  loop here;
  auto elements = below(8);
  for (int i = 0; i < 8; ++i) CHECK(TestType::wait(elements.next()).value() == i);
  CHECK(TestType::wait(elements.next()).value() == std::nullopt);
  CHECK(TestType::wait(elements.next()).value() == std::nullopt);
}

TEMPLATE_LIST_TEST_CASE("async_generator: an exception is the result of one next and ends the range",
                        "[async_generator]", every_style) {
  loop here;
  auto failing = []() -> async_generator<int> {
    co_yield 1;
    co_await yield();
    throw std::runtime_error("out of numbers");
  }();
  CHECK(TestType::wait(failing.next()).value() == 1);
  const auto ended = TestType::wait(failing.next());
  REQUIRE_FALSE(ended);
  CHECK(ended.error().message() == "out of numbers");
  CHECK_FALSE(ended.error().stack().empty());
  CHECK(TestType::wait(failing.next()).value() == std::nullopt);
}

TEST_CASE("async_generator: runs only as far as next asks", "[async_generator]") {
  loop here;
  int reached = 0;
  const auto steps = [&]() -> async_generator<int> {
    reached = 1;
    co_yield 10;
    reached = 2;
    co_await yield();
    co_yield 20;
    reached = 3;
  };
  auto lazy = steps();
  { [[maybe_unused]] const auto never_begun = lazy.next(); }
  here.run();
  CHECK(reached == 0);
  CHECK(here.run(lazy.next()) == 10);
  here.run();
  CHECK(reached == 1);
  CHECK(here.run(lazy.next()) == 20);
  CHECK(reached == 2);
  CHECK(here.run(lazy.next()) == std::nullopt);
  CHECK(reached == 3);
}

TEST_CASE("async_generator: an element may own memory and be converted from the yielded value",
          "[async_generator]") {
  loop here;
  auto owners = []() -> async_generator<std::unique_ptr<int>> { co_yield std::make_unique<int>(1); }();
  CHECK(*here.run(owners.next()).value() == 1);
  auto texts = []() -> async_generator<std::string> {
    std::string variable = "again";
    co_yield variable;
    co_yield std::move(variable);
    co_yield "literal";
  }();
  CHECK(here.run(texts.next()) == "again");
  CHECK(here.run(texts.next()) == "again");
  CHECK(here.run(texts.next()) == "literal");
}

TEST_CASE("async_generator: an element whose conversion throws is an exception at its co_yield",
          "[async_generator]") {
  struct picky {
    explicit picky(int n) : value(n) {
      if (n == 0) throw std::invalid_argument("not 0");
    }
    int value;
  };
  loop here;
  auto elements = []() -> async_generator<picky> {
    bool refused = false;
    try {
      co_yield 0;
    } catch (const std::invalid_argument&) {
      refused = true;
    }
    if (refused) co_yield 7;
  }();
  CHECK(here.run(elements.next()).value().value == 7);
}

TEST_CASE("async_generator: a second next while one is in flight is a logic_error", "[async_generator]") {
  loop here;
  auto elements = below(3);
  CHECK(here.run(elements.next()) == 0);
  auto first = spawn(elements.next());
  CHECK_THROWS_WITH(here.run(elements.next()), "async_generator::next: another next is in flight");
  CHECK_THROWS_AS(here.run([&]() -> task<void> { co_await elements.next(); }), std::logic_error);
  CHECK(here.run(std::move(first)) == 1);
  CHECK(here.run(elements.next()) == 2);
}

TEST_CASE("async_generator: next of one that was moved from is a logic_error", "[async_generator]") {
  loop here;
  auto first = below(2);
  CHECK(here.run(first.next()) == 0);
  auto second = std::move(first);
  CHECK_THROWS_AS(first.next(), std::logic_error);
  CHECK(here.run(second.next()) == 1);
  second = below(1);
  CHECK(here.run(second.next()) == 0);
}

TEST_CASE("async_generator: can be moved while a next is in flight", "[async_generator]") {
  loop here;
  auto first = below(2);
  CHECK(here.run(first.next()) == 0);
  auto waiting = spawn(first.next());
  auto second = std::move(first);
  CHECK(here.run(std::move(waiting)) == 1);
  CHECK(here.run(second.next()) == std::nullopt);
}

TEST_CASE("async_generator: destroyed early, it destroys its locals", "[async_generator]") {
  loop here;
  std::vector<std::string> log;
  {
    auto left = marked(log);
    CHECK(here.run(left.next()) == 1);
    CHECK(log.empty());
  }
  CHECK(log == std::vector<std::string>{"inner", "outer"});
  log.clear();
  { const auto never_begun = marked(log); }
  CHECK(log.empty());
}

TEST_CASE("async_generator: destroyed while a next is in flight, it lives until that has ended",
          "[async_generator]") {
  loop here;
  std::vector<std::string> log;
  promise<void> later;
  std::optional elements(one_then_waits_for(later.get_future(), log));
  CHECK(here.run(elements->next()) == 1);
  auto waiting = spawn(elements->next());
  elements.reset();
  CHECK(log.empty());
  later.set_value();
  CHECK(here.run(std::move(waiting)) == 2);
  CHECK(log == std::vector<std::string>{"generator"});
}

TEST_CASE("async_generator: the loop's end abandons it in flight, with every kind of owner",
          "[async_generator]") {
  std::vector<std::string> log;
  promise<void> never;
  auto outlives = one_then_waits_for(never.get_future(), log);
  promise<void> also_never, never_either;
  {
    loop here;
    CHECK(here.run(outlives.next()) == 1);
    SECTION("its owner outlives the loop") { auto dropped = spawn(outlives.next()); }
    SECTION("its owner is the waiting coroutine") {
      detach([](async_generator<int> owned, std::vector<std::string>& into) -> task<void> {
        const mark consumer(into, "consumer");
        co_await owned.next();
      }(std::move(outlives), log));
    }
    SECTION("its owner is another operation, abandoned before") {
      detach([](async_generator<int> owned, future<void> wait) -> task<void> {
        auto dropped = spawn(owned.next());
        co_await std::move(wait);
      }(std::move(outlives), also_never.get_future()));
    }
    SECTION("its owner is another operation, abandoned after") {
      auto owner = std::make_shared<std::optional<async_generator<int>>>(std::move(outlives));
      auto dropped = spawn((*owner)->next());
      detach([](std::shared_ptr<std::optional<async_generator<int>>>, future<void> wait) -> task<void> {
        co_await std::move(wait);
      }(std::move(owner), never_either.get_future()));
    }
    CHECK(log.empty());
  }
  CHECK(log.front() == "generator");
  CHECK_THROWS_AS(outlives.next(), std::logic_error);
}

TEMPLATE_LIST_TEST_CASE("async_generator: its waiter goes on on the home loop after any move",
                        "[async_generator][thread]", every_style) {
  const other_thread other;
  loop here;
  loop* ran_on = nullptr;
  auto travels = [](loop& there, loop*& where) -> async_generator<int> {
    for (int i = 0; i < 3; ++i) {
      where = loop::current_or_null();
      co_await resume_on(there);
      if (loop::current_or_null() == &there) co_yield i;
    }
    co_await resume_on(there);
    throw std::runtime_error("from afar");
  }(other.there(), ran_on);
  const auto home = std::this_thread::get_id();
  for (int i = 0; i < 3; ++i) {
    CHECK(TestType::wait(travels.next()).value() == i);
    CHECK(std::this_thread::get_id() == home);
    CHECK(ran_on == &here);
  }
  CHECK(TestType::wait(travels.next()).error().message() == "from afar");
  CHECK(TestType::wait(travels.next()).value() == std::nullopt);
  here.run();  // returns: the loop waits for no operation that is away
}

TEST_CASE("async_generator: an element costs no allocation", "[async_generator][allocation]") {
  if (!counts_allocations) return;
  loop here;
  auto endless = []() -> async_generator<int> {
    for (int i = 0;; ++i) {
      if (i % 2 == 0) co_await yield();
      co_yield i;
    }
  }();
  const auto some = [&]() -> task<void> {
    for (int i = 0; i < 100; ++i) co_await endless.next();
  };
  here.run(some);
  const allocation_count count;
  here.run(some);
  const std::size_t made = count.made();
  CHECK(made == 0);
}

TEST_CASE("async_generator: can be stopped, and its loop can end, at each suspension",
          "[async_generator][stop]") {
  CHECK(every_cancellation([] { return all(below(8)); }) >= 4);
  CHECK(every_cancellation([]() -> task<void> {
          auto outer = [](async_generator<int> inner) -> async_generator<int> {
            while (auto each = co_await inner.next()) {
              co_await sleep_for(1us);
              co_yield *each + 1;
            }
          }(below(4));
          for (int i = 0; i < 3; ++i) co_await outer.next();
        }) >= 3);
}
