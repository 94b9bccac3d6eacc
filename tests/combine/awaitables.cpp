#include <coroutine>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "braid/combine/finally.hpp"
#include "braid/combine/first_ok.hpp"
#include "braid/combine/hedge.hpp"
#include "braid/combine/map_concurrent.hpp"
#include "braid/combine/retry.hpp"
#include "braid/combine/scope.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/when_all_settled.hpp"
#include "braid/combine/when_any.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/core/just.hpp"
#include "braid/style/shield.hpp"
#include "catch.hpp"
#include "every_style.hpp"

// Awaitables of another library in place of senders.

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

/// An awaiter that is ready at once.
struct ready {
  int value;
  [[nodiscard]] bool await_ready() const noexcept { return true; }
  void await_suspend(std::coroutine_handle<>) const noexcept {}
  [[nodiscard]] int await_resume() const noexcept { return value; }
};

/// Makes its awaiter by a member operator co_await; a later turn of the loop resumes it.
struct later {
  std::string value;
  struct awaiter {
    std::string value;
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> waiting) const {
      loop::current().post([waiting] { waiting.resume(); });
      return true;
    }
    std::string await_resume() { return std::move(value); }
  };
  auto operator co_await() && { return awaiter{std::move(value)}; }
};

/// Makes its awaiter by a free operator co_await.
struct by_free_operator {
  std::unique_ptr<int> value;
};
struct free_awaiter {
  by_free_operator& from;
  [[nodiscard]] bool await_ready() const noexcept { return true; }
  void await_suspend(std::coroutine_handle<>) const noexcept {}
  std::unique_ptr<int>&& await_resume() { return std::move(from.value); }
};
free_awaiter operator co_await(by_free_operator&& from) { return {from}; }

/// Can be neither copied nor moved, like the events of many libraries.
struct immovable_event : pinned {
  int awaited = 0;
  auto operator co_await() noexcept {
    struct awaiter {
      immovable_event& self;
      [[nodiscard]] bool await_ready() const noexcept { return true; }
      void await_suspend(std::coroutine_handle<>) const noexcept {}
      int& await_resume() const noexcept { return ++self.awaited, self.awaited; }
    };
    return awaiter{*this};
  }
};

/// An awaiter that cannot be moved, made by a function.
struct immovable_awaiter : pinned {
  [[nodiscard]] bool await_ready() const noexcept { return true; }
  void await_suspend(std::coroutine_handle<>) const noexcept {}
  [[nodiscard]] int await_resume() const noexcept { return 8; }
};

struct failing {
  [[nodiscard]] bool await_ready() const noexcept { return true; }
  void await_suspend(std::coroutine_handle<>) const noexcept {}
  void await_resume() const { throw std::out_of_range("no"); }
};

static_assert(awaitable<ready> && awaitable<later> && !awaitable<later&> && awaitable<immovable_event&>);
static_assert(!awaitable<task<>> && !awaitable<int> && !awaitable<future<int>>);

}  // namespace

TEST_CASE("awaitables: every verb waits for an awaitable of another library", "[combine][awaitable]") {
  IN_EVERY_STYLE(style);
  loop home;
  CHECK(style.wait(ready{7}).value() == 7);
  CHECK(style.wait(later{"seven"}).value() == "seven");
  CHECK(*style.wait(by_free_operator{std::make_unique<int>(3)}).value() == 3);
  immovable_event event;
  CHECK(&style.wait(event).value() == &event.awaited);  // an lvalue stays where it is
  CHECK(style.wait([] { return immovable_awaiter(); }).value() == 8);
  CHECK_THROWS_AS(style.wait(failing{}).value(), std::out_of_range);
}

TEST_CASE("awaitables: joins take them beside senders", "[combine][awaitable]") {
  IN_EVERY_STYLE(style);
  loop home;
  immovable_event event;
  const auto all =
      style.wait(when_all(ready{1}, later{"two"}, just(3), [] { return immovable_awaiter(); })).value();
  CHECK(all == std::tuple(1, std::string("two"), 3, 8));
  CHECK(style.wait(when_all(event, event)));
  CHECK(event.awaited == 2);
  CHECK(style.wait(when_any(later{"late"}, ready{2})).value().index == 1);
  CHECK(style.wait(first_ok(failing{}, ready{2})).value().index == 1);
  auto settled = style.wait(when_all_settled(failing{}, ready{2})).value();
  CHECK(std::get<0>(settled).error() == errc::exception);
  CHECK(*std::get<1>(settled) == 2);
  CHECK(style.wait(when_all(std::vector<ready>{{1}, {2}})).value() == std::vector{1, 2});
}

TEST_CASE("awaitables: combinators take them, and retry and hedge make new ones", "[combine][awaitable]") {
  IN_EVERY_STYLE(style);
  loop home;
  CHECK(style.wait(with_timeout(later{"a"}, 1h)).value() == "a");
  CHECK(style.wait(with_deadline(ready{1}, loop_clock::now() + 1h)).value() == 1);
  CHECK(style.wait(with_stop_token(ready{1}, stop_token())).value() == 1);
  CHECK(style.wait(shield(later{"b"})).value() == "b");
  CHECK(style.wait(finally(ready{1}, later{"c"})).value() == 1);
  CHECK(style.wait(as_result(failing{})).value().error() == errc::exception);
  int attempts = 0;
  CHECK(style
            .wait(retry({.attempts = 3, .base = 0ms},
                        [&] {
                          if (++attempts < 3) throw std::runtime_error("not yet");
                          return immovable_awaiter();
                        }))
            .value() == 8);
  CHECK(attempts == 3);
  CHECK(style.wait(hedge([] { return ready{4}; }, 1h)).value() == 4);
  CHECK(style.wait(map_concurrent(std::vector{1, 2, 3}, 2, [](int n) { return ready{n}; })).value() ==
        std::vector{1, 2, 3});
}

TEST_CASE("awaitables: start, spawn, detach and scopes take them", "[combine][awaitable]") {
  loop home;
  immovable_event event;
  int got = 0;
  start(ready{2}, [&](result<int> ended) { got = *ended; });
  detach(event);
  auto later_on = spawn(later{"x"});
  home.run(with_scope([&](scope& all) {
    all.spawn(event);
    all.spawn(later{"y"});
  }));
  CHECK(home.run(std::move(later_on)) == "x");
  CHECK(got == 2);
  CHECK(event.awaited == 2);
}
