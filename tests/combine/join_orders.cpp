// Joins of up to five operations: every order in which these can end, each with a value or an error, and
// every moment for a stop request.

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <optional>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include "braid/combine/first_ok.hpp"
#include "braid/combine/scope.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/when_all_settled.hpp"
#include "braid/combine/when_any.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "catch.hpp"
#include "sanitized.hpp"

using namespace braid;

namespace {

constexpr std::size_t most = braid_tests::sanitized ? 4 : 5;

// One way for `count` operations to end: their order, which of them fail, and when stop is requested.
// Operations behind the stop request are cancelled.
struct course {
  std::size_t count = 0;
  std::vector<std::size_t> order;  // `count` itself is the stop request
  unsigned failing = 0;  // one bit for each operation

  [[nodiscard]] bool fails(std::size_t which) const { return (failing >> which & 1U) != 0; }
  [[nodiscard]] bool is_stop(std::size_t event) const { return event == count; }
  // The operations that end before the stop request.
  [[nodiscard]] std::vector<std::size_t> before_stop() const {
    return {order.begin(), std::find(order.begin(), order.end(), count)};
  }
};

// The number of all courses.
int all_courses() {
  int all = 0, orders = 1;
  for (int count = 1; count <= static_cast<int>(most); ++count) {
    orders *= count;
    all += (orders + orders * (count + 1)) << count;
  }
  return all;
}

template <class F>
void for_every_course(F f) {
  for (std::size_t count = 1; count <= most; ++count)
    for (const bool stopped : {false, true}) {
      course one;
      one.count = count;
      one.order.resize(count + stopped);
      std::iota(one.order.begin(), one.order.end(), std::size_t{0});
      do {
        for (one.failing = 0; one.failing < 1U << count; ++one.failing) f(one);
      } while (std::next_permutation(one.order.begin(), one.order.end()));
    }
}

error failure_of(std::size_t which) {
  return std::error_code(1000 + static_cast<int>(which), std::generic_category());
}

// Whether the loop turns between two events.
enum class pace { one_a_turn, all_in_one };

template <class Join>
auto ended_by(loop& here, const course& how, pace between, Join join) {
  std::vector<promise<int>> promises(how.count);
  std::vector<future<int>> futures;
  for (auto& each : promises) futures.push_back(each.get_future());
  auto joined = spawn(join(std::move(futures)));
  for (const std::size_t event : how.order) {
    if (how.is_stop(event))
      joined.request_stop();
    else if (how.fails(event))
      promises[event].set_error(failure_of(event));
    else
      promises[event].set_value(static_cast<int>(event));
    if (between == pace::one_a_turn) here.run(yield());
  }
  return here.run(as_result(std::move(joined)));
}

// Checks every course; returns how many end otherwise than expected.
template <class Join, class Expected>
int wrong_courses(Join join, Expected expected) {
  loop here;
  // Operations that a winner leaves behind fail later. These errors are unhandled, which is right.
  here.on_unhandled_error([](const error&) {});
  const pace between = GENERATE(pace::one_a_turn, pace::all_in_one);
  int wrong = 0, courses = 0;
  for_every_course([&](const course& how) {
    ++courses;
    wrong += !expected(ended_by(here, how, between, join), how, between);
  });
  CHECK(courses == all_courses());
  return wrong;
}

std::optional<std::size_t> first_failing(const course& how) {
  for (const std::size_t which : how.before_stop())
    if (how.fails(which)) return which;
  return std::nullopt;
}
std::size_t failing_in(const course& how) {
  const auto before_stop = how.before_stop();
  return static_cast<std::size_t>(std::count_if(before_stop.begin(), before_stop.end(),
                                                [&](std::size_t which) { return how.fails(which); }));
}

template <class T>
bool failed_as(const result<T>& ended, const error& why, std::size_t suppressed) {
  return ended == why.code() && ended.error().suppressed().size() == suppressed;
}

}  // namespace

TEST_CASE("when_all: gives the right result for every order of up to five ends and a stop request",
          "[when_all][order][stop]") {
  const auto join = [](auto futures) { return when_all(std::move(futures)); };
  CHECK(wrong_courses(join, [](const auto& ended, const course& how, pace between) {
          // After the first failure the others are cancelled, unless they have ended, too.
          if (const auto failing = first_failing(how))
            return failed_as(ended, failure_of(*failing),
                             between == pace::one_a_turn ? 0 : failing_in(how) - 1);
          if (how.before_stop().size() < how.count) return failed_as(ended, std::errc::operation_canceled, 0);
          std::vector<int> all(how.count);
          std::iota(all.begin(), all.end(), 0);
          return ended == all;
        }) == 0);
}

TEST_CASE(
    "with_scope: gives the right result for every order of up to five children's ends and a stop request",
    "[scope][order][stop]") {
  const auto scope_of = [](auto futures) {
    return with_scope([children = std::move(futures)](scope& s) mutable {
      for (auto& each : children) s.spawn(std::move(each));
      return 1;
    });
  };
  CHECK(wrong_courses(scope_of, [](const auto& ended, const course& how, pace between) {
          if (const auto failing = first_failing(how))
            return failed_as(ended, failure_of(*failing),
                             between == pace::one_a_turn ? 0 : failing_in(how) - 1);
          if (how.before_stop().size() < how.count) return failed_as(ended, std::errc::operation_canceled, 0);
          return ended == 1;
        }) == 0);
}

TEST_CASE("when_any: gives the right result for every order of up to five ends and a stop request",
          "[when_any][order][stop]") {
  const auto join = [](auto futures) { return when_any(std::move(futures)); };
  CHECK(wrong_courses(join, [](const auto& ended, const course& how, pace) {
          const std::size_t first = how.order.front();
          if (how.is_stop(first)) return failed_as(ended, std::errc::operation_canceled, 0);
          if (how.fails(first)) return failed_as(ended, failure_of(first), 0);
          return ended && ended->index == first && ended->value == static_cast<int>(first);
        }) == 0);
}

TEST_CASE("first_ok: gives the right result for every order of up to five ends and a stop request",
          "[first_ok][order][stop]") {
  const auto join = [](auto futures) { return first_ok(std::move(futures)); };
  CHECK(wrong_courses(join, [](const auto& ended, const course& how, pace between) {
          for (const std::size_t which : how.before_stop())
            if (!how.fails(which))
              return ended && ended->index == which && ended->value == static_cast<int>(which);
          const auto failing = first_failing(how);
          if (!failing) return failed_as(ended, std::errc::operation_canceled, 0);
          const bool is_stopped = how.order.size() > how.count &&
                                  (how.before_stop().size() < how.count || between == pace::all_in_one);
          if (!is_stopped) return failed_as(ended, failure_of(*failing), failing_in(how) - 1);
          // The join is cancelled, and keeps the errors from before as suppressed.
          if (!failed_as(ended, std::errc::operation_canceled, 1)) return false;
          const error& before = ended.error().suppressed()[0];
          return before == failure_of(*failing) && before.suppressed().size() == failing_in(how) - 1;
        }) == 0);
}

TEST_CASE("when_all_settled: gives the right results for every order of up to five ends and a stop request",
          "[when_all_settled][order][stop]") {
  const auto join = [](auto futures) { return when_all_settled(std::move(futures)); };
  CHECK(wrong_courses(join, [](const auto& ended, const course& how, pace) {
          if (!ended || ended->size() != how.count) return false;
          std::vector<result<int>> expected(how.count, std::errc::operation_canceled);
          for (const std::size_t which : how.before_stop()) {
            if (how.fails(which))
              expected[which] = failure_of(which);
            else
              expected[which] = static_cast<int>(which);
          }
          return *ended == expected;
        }) == 0);
}

TEST_CASE("when_all: a pack gives the right result for every order of three ends and a stop request",
          "[when_all][order][stop]") {
  loop here;
  here.on_unhandled_error([](const error&) {});
  int wrong = 0;
  for_every_course([&](const course& how) {
    if (how.count != 3) return;
    const auto ended = ended_by(here, how, pace::one_a_turn, [](auto futures) {
      return when_all(std::move(futures[0]), std::move(futures[1]), std::move(futures[2]));
    });
    if (const auto failing = first_failing(how))
      wrong += !failed_as(ended, failure_of(*failing), 0);
    else if (how.before_stop().size() < how.count)
      wrong += !failed_as(ended, std::errc::operation_canceled, 0);
    else
      wrong += ended != std::tuple(0, 1, 2);
  });
  CHECK(wrong == 0);
}
