// Joins under every order in which their operations can end, values and errors.

#include <algorithm>
#include <array>
#include <cstddef>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "braid/combine/first_ok.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/when_all_settled.hpp"
#include "braid/combine/when_any.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "catch.hpp"

using namespace braid;

namespace {

constexpr std::size_t most = 4;

// One way for `count` operations to end: in which order, and which of them with errors.
struct course {
  std::vector<std::size_t> order;
  unsigned failing = 0;  // a bit for each
  [[nodiscard]] bool fails(std::size_t which) const { return (failing >> which & 1U) != 0; }
};

template <class F>
void for_every_course(F f) {
  for (std::size_t count = 1; count <= most; ++count) {
    course one;
    one.order.resize(count);
    std::iota(one.order.begin(), one.order.end(), std::size_t{0});
    do {
      for (one.failing = 0; one.failing < 1U << count; ++one.failing) f(one);
    } while (std::next_permutation(one.order.begin(), one.order.end()));
  }
}

// Promises that end as a course says, between each two of them a turn of the loop or none.
struct ending {
  explicit ending(const course& as) : how(as), promises(as.order.size()) {}

  std::vector<future<int>> futures() {
    std::vector<future<int>> all;
    for (auto& each : promises) all.push_back(each.get_future());
    return all;
  }
  void settle_all(loop& here, bool one_a_turn) {
    for (const std::size_t which : how.order) {
      if (how.fails(which))
        promises[which].set_error(std::make_exception_ptr(std::runtime_error(std::to_string(which))));
      else
        promises[which].set_value(static_cast<int>(which));
      if (one_a_turn) here.run(yield());
    }
  }

  const course& how;
  std::vector<promise<int>> promises;
};

// What is left behind by a loser fails later, and then nobody waits for it: that is told, and no fault.
struct quiet_loop : loop {
  quiet_loop() {
    on_unhandled_error([this](const error&) { ++told; });
  }
  int told = 0;
};

template <class Join>
auto ended_by(const course& how, bool one_a_turn, Join join) {
  quiet_loop here;
  ending all(how);
  auto joined = spawn(join(all.futures()));
  all.settle_all(here, one_a_turn);
  return here.run(as_result(std::move(joined)));
}

std::optional<std::size_t> first_failing(const course& how) {
  const auto found =
      std::find_if(how.order.begin(), how.order.end(), [&](std::size_t which) { return how.fails(which); });
  if (found == how.order.end()) return std::nullopt;
  return *found;
}

}  // namespace

TEST_CASE("when_all: every order of up to four ends, values and errors", "[when_all][order]") {
  const bool one_a_turn = GENERATE(false, true);
  int wrong = 0;
  int courses = 0;
  for_every_course([&](const course& how) {
    ++courses;
    const auto ended = ended_by(how, one_a_turn, [](auto futures) { return when_all(std::move(futures)); });
    if (const auto failing = first_failing(how)) {
      wrong += ended.has_value() || ended.error().message() != std::to_string(*failing);
    } else {
      std::vector<int> expected(how.order.size());
      std::iota(expected.begin(), expected.end(), 0);
      wrong += !ended || *ended != expected;
    }
  });
  CHECK(courses == 2 + 2 * 4 + 6 * 8 + 24 * 16);
  CHECK(wrong == 0);
}

TEST_CASE("when_any: every order of up to four ends, values and errors", "[when_any][order]") {
  const bool one_a_turn = GENERATE(false, true);
  int wrong = 0;
  for_every_course([&](const course& how) {
    const auto ended = ended_by(how, one_a_turn, [](auto futures) { return when_any(std::move(futures)); });
    const std::size_t first = how.order.front();
    if (how.fails(first))
      wrong += ended.has_value() || ended.error().message() != std::to_string(first);
    else
      wrong += !ended || ended->index != first || ended->value != static_cast<int>(first);
  });
  CHECK(wrong == 0);
}

TEST_CASE("first_ok: every order of up to four ends, values and errors", "[first_ok][order]") {
  const bool one_a_turn = GENERATE(false, true);
  int wrong = 0;
  for_every_course([&](const course& how) {
    const auto ended = ended_by(how, one_a_turn, [](auto futures) { return first_ok(std::move(futures)); });
    const auto winner = std::find_if(how.order.begin(), how.order.end(),
                                     [&](std::size_t which) { return !how.fails(which); });
    if (winner == how.order.end())
      wrong += ended.has_value() || ended.error().message() != std::to_string(how.order.front()) ||
               ended.error().suppressed().size() != how.order.size() - 1;
    else
      wrong += !ended || ended->index != *winner || ended->value != static_cast<int>(*winner);
  });
  CHECK(wrong == 0);
}

TEST_CASE("when_all_settled: every order of up to four ends, values and errors",
          "[when_all_settled][order]") {
  const bool one_a_turn = GENERATE(false, true);
  int wrong = 0;
  for_every_course([&](const course& how) {
    const auto ended =
        ended_by(how, one_a_turn, [](auto futures) { return when_all_settled(std::move(futures)); });
    wrong += !ended || ended->size() != how.order.size();
    for (std::size_t i = 0; i < how.order.size(); ++i)
      wrong += how.fails(i) ? (*ended)[i].has_value() : !((*ended)[i] == static_cast<int>(i));
  });
  CHECK(wrong == 0);
}

TEST_CASE("when_all: a pack under every order of three ends", "[when_all][order]") {
  int wrong = 0;
  for_every_course([&](const course& how) {
    if (how.order.size() != 3) return;
    const auto ended = ended_by(how, true, [](auto futures) {
      return when_all(std::move(futures[0]), std::move(futures[1]), std::move(futures[2]));
    });
    if (const auto failing = first_failing(how))
      wrong += ended.has_value() || ended.error().message() != std::to_string(*failing);
    else
      wrong += !ended || *ended != std::tuple(0, 1, 2);
  });
  CHECK(wrong == 0);
}
