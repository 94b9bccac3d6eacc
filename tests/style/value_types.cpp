// Value types of operations that are awkward to keep, through the verbs and the combinators.

#include <any>
#include <chrono>
#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "braid/combine/buffered.hpp"
#include "braid/combine/finally.hpp"
#include "braid/combine/first_ok.hpp"
#include "braid/combine/for_each_concurrent.hpp"
#include "braid/combine/hedge.hpp"
#include "braid/combine/map_concurrent.hpp"
#include "braid/combine/merge.hpp"
#include "braid/combine/retry.hpp"
#include "braid/combine/scope.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/when_all_settled.hpp"
#include "braid/combine/when_any.hpp"
#include "braid/combine/when_any_settled.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/core/defer.hpp"
#include "braid/core/just.hpp"
#include "braid/schedule/from_callback.hpp"
#include "braid/schedule/offload.hpp"
#include "braid/schedule/resume_on.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/async_generator.hpp"
#include "braid/style/async_views.hpp"
#include "braid/style/fiber.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/run.hpp"
#include "braid/style/shared_task.hpp"
#include "braid/style/shield.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "loop_thread.hpp"

using namespace braid;
using namespace std::chrono_literals;

namespace {

struct const_member {
  const std::string text = "kept";
};
// Its operators are deleted or do something unusual, its move may throw, and it can be made from anything.
struct unwieldy {
  unwieldy() = default;
  template <class T>
  unwieldy(T&&) {}
  unwieldy(const unwieldy&) = default;
  unwieldy(unwieldy&&) noexcept(false) {}
  void operator&() const = delete;
  template <class T>
  void operator,(T&&) const = delete;
  static void* operator new(std::size_t) = delete;
  static void* operator new(std::size_t, void*) = delete;
};
struct from_an_error {
  from_an_error() = default;
  from_an_error(const error&) : failed(true) {}
  from_an_error(std::errc) : failed(true) {}
  from_an_error(errc) : failed(true) {}
  bool failed = false;
};
struct like_an_error {
  operator error() const { return std::errc::io_error; }
  operator bool() const { return false; }
};

template <class T>
T sample() {
  if constexpr (std::is_same_v<T, std::any>)
    return T(1);
  else
    return T();
}
template <class T>
task<T> later() {
  co_await yield();
  co_return sample<T>();
}
template <class T>
async_generator<T> several() {
  co_yield sample<T>();
  co_yield sample<T>();
}
template <class T>
async_generator<task<T>> several_tasks() {
  for (int i = 0; i < 3; ++i) co_yield later<T>();
}

}  // namespace

TEMPLATE_TEST_CASE("value types: an operation may complete with a value of an awkward type", "[style][types]",
                   std::any, const std::deque<int>, const_member, unwieldy, from_an_error, like_an_error,
                   bool, result<int>) {
  using value = TestType;
  const auto make = [] { return later<value>(); };
  loop here;

  SECTION("the verbs") {
    [[maybe_unused]] value blocking = here.run(make());
    here.run([&]() -> task<> { [[maybe_unused]] value awaited = co_await make(); });
    auto fiber = in_fiber([&]() -> value { return await(make()); });
    [[maybe_unused]] value in = here.run(std::move(fiber));
    int ended = 0;
    start(make(), [&](result<value> with) { ended += with.has_value() ? 1 : 0; });
    detach(make());
    auto chained = spawn(make())
                       .then([](value) { return later<value>(); })
                       .catch_error([](error) -> value { return sample<value>(); })
                       .finally([] {});
    CHECK(here.run(as_result(std::move(chained))).has_value());
    promise<value> settled;
    auto waiting = settled.get_future();
    settled.set_value(sample<value>());
    CHECK(here.run(as_result(std::move(waiting))).has_value());
    { promise<value> dropped; }
    here.run();
    CHECK(ended == 1);
  }
  SECTION("joins") {
    const auto two = [&] {
      std::vector<task<value>> ops;
      ops.push_back(make());
      ops.push_back(make());
      return ops;
    };
    CHECK(here.run(as_result(when_all(make(), make()))).has_value());
    CHECK(here.run(as_result(when_any(make(), make()))).has_value());
    CHECK(here.run(as_result(when_all_settled(make(), make()))).has_value());
    CHECK(here.run(when_all(two())).size() == 2);
    CHECK(here.run(when_any(two())).index == 0);
    CHECK(here.run(when_all_settled(two())).size() == 2);
    CHECK(here.run(as_result(when_any_settled(make(), make()))).has_value());
    CHECK(here.run(as_result(when_any_settled(two()))).has_value());
    CHECK(here.run(as_result(first_ok(make(), make()))).has_value());
    CHECK(here.run(first_ok(two())).index == 0);
  }
  SECTION("around one operation") {
    CHECK(here.run(as_result(with_timeout(make(), 1h))).has_value());
    CHECK(here.run(as_result(retry(retry_policy{}, make))).has_value());
    CHECK(here.run(as_result(hedge(make, 1h))).has_value());
    CHECK(here.run(as_result(finally(make(), [] { return yield(); }))).has_value());
    CHECK(here.run(as_result(just_from([]() -> value { return sample<value>(); }))).has_value());
    shared_task<value> shared = make();
    (void)here.run(shared);
    CHECK(shared.is_ready());
    stop_source stop;
    CHECK(here.run(as_result(with_stop_token(make(), stop.get_token()))).has_value());
    CHECK(here.run(as_result(with_deadline(make(), loop_clock::now() + 1h))).has_value());
    CHECK(here.run(as_result(shield(make()))).has_value());
    CHECK(here.run(as_result(defer(make))).has_value());
    CHECK(here.run(as_result(make_ready_future(sample<value>()))).has_value());
    CHECK(here.run(as_result(offload([] { return sample<value>(); }))).has_value());
    CHECK(here.run(as_result(from_callback<value>([](auto done) { done(sample<value>()); }))).has_value());
  }
  SECTION("on another loop") {
    braid_tests::loop_thread other;
    const auto travel = [](loop& to) -> task<value> {
      co_await resume_on(to);
      co_return sample<value>();
    };
    CHECK(here.run(as_result(travel(other.there()))).has_value());
  }
  SECTION("scopes") {
    auto whole = with_scope([&](scope& within) {
      (void)within.spawn(make);
      (void)within.spawn(make());
      return make();
    });
    CHECK(here.run(as_result(std::move(whole))).has_value());
  }
  SECTION("ranges") {
    const std::vector<int> from(3);
    auto mapped = map_concurrent(from, 2, [&](int) { return make(); });
    CHECK(here.run(std::move(mapped)).size() == 3);
    here.run([&]() -> task<> {
      auto kept = buffered(several_tasks<value>(), 2) | filter([](const value&) { return true; }) |
                  transform([](value) { return later<value>(); }) | take(3) | chunk(2);
      auto first = co_await kept.next();
      CHECK(first->size() == 2);
      auto second = co_await kept.next();
      CHECK(second->size() == 1);
      CHECK_FALSE(co_await kept.next());
    });
    int count = 0;
    here.run([&]() -> task<> {
      auto ahead = buffered(several_tasks<value>(), 2);
      while (auto each = co_await ahead.next()) ++count;
      if constexpr (!std::is_const_v<value>) {
        auto merged = merge(several<value>(), several<value>());
        while (auto each = co_await merged.next()) ++count;
      }
    });
    CHECK(count == (std::is_const_v<value> ? 3 : 7));
    CHECK(here.run(map_concurrent_settled(from, 2, [&](int) { return make(); })).size() == 3);
    here.run(for_each_concurrent(from, 2, [&](int) { return make(); }));
  }
}

namespace {

// Its n-th move throws.
struct move_failed {};
struct explosive {
  static inline int moves_left = 0;
  explosive() = default;
  explosive(explosive&&) noexcept(false) {
    if (moves_left-- == 0) throw move_failed();
  }
};
task<explosive> explosive_later() {
  co_await yield();
  co_return explosive();
}

// Counts how often f fails because a move throws while it waits for an operation. Any other exception fails
// the test.
template <class F>
int failures_of(F f) {
  int failures = 0;
  for (int n = 0; n < 40; ++n) {
    explosive::moves_left = n;
    try {
      f();
    } catch (const move_failed&) {
      ++failures;
    }
  }
  explosive::moves_left = 1000;
  return failures;
}

}  // namespace

TEST_CASE("value types: an exception of a value's move is its operation's error", "[style][types]") {
  loop here;
  const auto fails = [&](auto make) { return failures_of([&] { (void)here.run(make()); }); };
  CHECK(fails([] { return explosive_later(); }) > 0);
  CHECK(fails([] { return spawn(explosive_later()); }) > 0);
  CHECK(fails([] { return in_fiber([] { return await(explosive_later()); }); }) > 0);
  CHECK(fails([] { return offload([] { return explosive(); }); }) > 0);
  CHECK(fails([] { return when_all(explosive_later(), explosive_later()); }) > 0);
  CHECK(fails([] { return when_any(explosive_later(), explosive_later()); }) > 0);
  CHECK(fails([] { return with_timeout(explosive_later(), 1h); }) > 0);
  CHECK(fails([] { return with_scope([](scope&) { return explosive_later(); }); }) > 0);
  CHECK(fails([] { return with_scope([](scope& within) { return within.spawn(explosive_later()); }); }) > 0);
  CHECK(fails([] { return with_deadline(explosive_later(), loop_clock::now() + 1h); }) > 0);
  CHECK(fails([] { return shield(explosive_later()); }) > 0);
  CHECK(fails([] { return finally(explosive_later(), [] { return yield(); }); }) > 0);
  CHECK(fails([] { return first_ok(explosive_later(), explosive_later()); }) > 0);
  CHECK(fails([] { return hedge(explosive_later, 1h); }) > 0);
  CHECK(fails([] { return retry({.attempts = 1}, explosive_later); }) > 0);
  CHECK(fails([] { return shared_task<explosive>(explosive_later()); }) > 0);
  CHECK(fails([] { return make_ready_future(explosive()); }) > 0);
  CHECK(fails([] { return from_callback<explosive>([](auto done) { done(explosive()); }); }) > 0);
  CHECK(fails([] { return spawn(explosive_later()).then([](explosive one) { return one; }); }) > 0);
  CHECK(fails([] { return spawn(explosive_later()).catch_error([](error) { return explosive(); }); }) > 0);
  CHECK(fails([] { return spawn(explosive_later()).finally([] {}); }) > 0);
  CHECK(fails([]() -> task<> {
          promise<explosive> settled;
          auto waiting = settled.get_future();
          settled.set_value(explosive());
          co_await std::move(waiting);
        }) > 0);
  CHECK(fails([]() -> task<> {
          auto seen = several<explosive>() | filter([](explosive&) { return true; }) |
                      transform([](explosive one) { return one; }) | take(2) | chunk(2);
          while (co_await seen.next()) {}
        }) > 0);
  CHECK(fails([]() -> task<> {
          auto merged = merge(several<explosive>(), several<explosive>());
          while (co_await merged.next()) {}
        }) > 0);
  CHECK(fails([] { return map_concurrent(std::vector<int>(3), 2, [](int) { return explosive_later(); }); }) >
        0);
  CHECK(fails([]() -> task<> {
          auto ahead = buffered(several_tasks<explosive>(), 2);
          while (auto each = co_await ahead.next()) {}
        }) > 0);
  int failed = 0;
  CHECK(failures_of([&] {
          start(explosive_later(), [&](result<explosive> ended) { failed += ended ? 0 : 1; });
          here.run();
        }) == 0);
  CHECK(failed > 0);
}
