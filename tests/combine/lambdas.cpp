// braid keeps a function that returns a sender, with its captures, until the sender has ended. If a closure
// is destroyed too early, AddressSanitizer reports it as well.

#include <chrono>
#include <memory>
#include <stdexcept>

#include "braid/combine/finally.hpp"
#include "braid/combine/scope.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/when_any.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/core/just.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/shield.hpp"
#include "catch.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;

namespace {

// Checks that a capture lives while the task runs, and is destroyed when all has ended.
struct kept {
  [[nodiscard]] auto coroutine() const {
    return [held = owned, this]() -> task<int> {
      co_await yield();
      alive += watch.use_count() >= 2 && *held == 7;  // the original, and the captured copy
      co_return 1;
    };
  }
  std::shared_ptr<int> owned = std::make_shared<int>(7);
  std::weak_ptr<int> watch = owned;
  mutable int alive = 0;
};

}  // namespace

TEST_CASE("lambda: a verb keeps the lambda until its task has ended", "[lambda]") {
  IN_EVERY_STYLE(style);
  const kept closure;
  CHECK(style.wait(closure.coroutine()).value() == 1);
  CHECK(closure.alive == 1);
  CHECK(closure.watch.use_count() == 1);
}

TEST_CASE("lambda: detach and the functions of a future keep it", "[lambda]") {
  loop here;
  const kept closure;
  detach(closure.coroutine());
  auto chain = make_ready_future(0)
                   .then([f = closure.coroutine()](int) { return f(); })
                   .then([](int) -> int { throw std::runtime_error("failed"); })
                   .catch_error([f = closure.coroutine()](const error&) { return f(); });
  auto direct = make_ready_future(0).then([held = closure.owned, &closure](int) -> task<int> {
    co_await yield();
    closure.alive += *held == 7;
    co_return 1;
  });
  CHECK(here.run(std::move(chain)) == 1);
  CHECK(here.run(std::move(direct)) == 1);
  here.run();
  CHECK(closure.alive == 4);
  CHECK(closure.watch.use_count() == 1);
}

TEST_CASE("lambda: every combinator keeps the lambda", "[lambda]") {
  loop here;
  const kept closure;
  const auto f = [&] { return closure.coroutine(); };
  stop_source never;
  here.run(when_all(f(), f(), as_result(f())));
  here.run(when_any(f(), sleep_for(std::chrono::hours(1))));
  here.run(with_timeout(f(), std::chrono::hours(1)));
  here.run(with_stop_token(f(), never.get_token()));
  here.run(shield(f()));
  here.run(defer(f()));
  here.run(finally(f(), f()));
  here.run(with_scope([held = f()](scope&) { return held(); }));
  here.run(with_scope([&](scope& s) { s.spawn(f()); }));
  here.run(with_scope([held = closure.owned, &closure](scope& s) -> task<> {
    s.spawn([&]() -> task<> {  // refers to the closure of the scope's own function, which has ended
      co_await yield();
      co_await yield();
      closure.alive += *held == 7;
    });
    co_return;
  }));
  CHECK(closure.alive == 13);
  CHECK(closure.watch.use_count() == 1);
}
