// Joins over ranges that make their senders while they are iterated, and over results of every kind.

#include <functional>
#include <memory>
#include <range/v3/view/chunk.hpp>
#include <range/v3/view/concat.hpp>
#include <range/v3/view/drop.hpp>
#include <range/v3/view/filter.hpp>
#include <range/v3/view/generate_n.hpp>
#include <range/v3/view/iota.hpp>
#include <range/v3/view/transform.hpp>
#include <range/v3/view/zip_with.hpp>
#include <ranges>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "braid/combine/first_ok.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/when_all_settled.hpp"
#include "braid/combine/when_any.hpp"
#include "braid/core/just.hpp"
#include "braid/loop/loop.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/run.hpp"
#include "braid/style/shield.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

const std::vector<int> ids{1, 2, 3, 4, 5};

task<std::string> fetch(int id) {
  for (int turns = 5 - id; turns >= 0; --turns) co_await yield();
  co_return "page " + std::to_string(id);
}
task<std::unique_ptr<int>> fetch_odd(int id) {
  co_await yield();
  if (id % 2 == 0) throw std::runtime_error(std::to_string(id));
  co_return std::make_unique<int>(id);
}
const auto is_even = [](int id) { return id % 2 == 0; };

// Checks each join with a range of any kind.
const auto each_join = [](auto check) {
  check([](auto&& range) { return when_all(std::forward<decltype(range)>(range)); });
  check([](auto&& range) { return when_all_settled(std::forward<decltype(range)>(range)); });
  check([](auto&& range) { return when_any(std::forward<decltype(range)>(range)); });
  check([](auto&& range) { return first_ok(std::forward<decltype(range)>(range)); });
};

}  // namespace

TEST_CASE("joins over a range: a std view makes each sender once", "[join][range]") {
  loop here;
  int made = 0;
  const auto make = [&](int id) { return ++made, fetch(id); };
  each_join([&](auto join) {
    made = 0;
    CHECK(here.run(as_result(join(ids | std::views::transform(make)))).has_value());
    CHECK(made == 5);
    CHECK(here.run(as_result(join(ids | std::views::filter(is_even) | std::views::transform(make))))
              .has_value());
    CHECK(made == 7);
  });
  CHECK(here.run(when_all(ids | std::views::take(2) | std::views::transform(fetch))) ==
        std::vector<std::string>{"page 1", "page 2"});
  CHECK(here.run(when_any(ids | std::views::transform(fetch))).value == "page 5");
  CHECK(here.run(first_ok(ids | std::views::drop(1) | std::views::transform(fetch_odd))).index == 1);
}

TEST_CASE("joins over a range: a range-v3 view makes each sender once", "[join][range]") {
  loop here;
  int made = 0;
  const auto make = [&](int id) { return ++made, fetch(id); };
  each_join([&](auto join) {
    made = 0;
    CHECK(here.run(as_result(join(ids | ranges::views::transform(make)))).has_value());
    CHECK(made == 5);
    CHECK(here.run(as_result(join(ids | ranges::views::filter(is_even) | ranges::views::transform(make))))
              .has_value());
    CHECK(made == 7);
    CHECK(here.run(as_result(join(ranges::views::generate_n([&] { return fetch(++made); }, 3)))).has_value());
    CHECK(made == 10);
  });
  const auto pair = [](int id, int other) { return fetch((id + other) / 2); };
  CHECK(here.run(when_all(ranges::views::zip_with(pair, ids, ranges::views::iota(1, 4)))).at(2) == "page 3");
  CHECK(here.run(when_all(ranges::views::concat(ids, ids) | ranges::views::transform(fetch))).size() == 10);
}

TEST_CASE("joins over a range: can take chunks one after the other", "[join][range]") {
  std::vector<std::string> pages;
  const auto all_in_twos = [&]() -> task<> {
    for (auto chunk : ids | ranges::views::chunk(2)) {
      auto fetched = co_await when_all(chunk | ranges::views::transform(fetch));
      CHECK(fetched.size() <= 2);
      for (std::string& page : fetched) pages.push_back(std::move(page));
    }
  };
  run(all_in_twos);
  CHECK(pages == std::vector<std::string>{"page 1", "page 2", "page 3", "page 4", "page 5"});
}

TEST_CASE("joins over a range: can take all chunks together", "[join][range]") {
  const auto chunk_of = [](auto chunk) { return when_all(chunk | ranges::views::transform(fetch)); };
  const auto pages = run(when_all(ids | ranges::views::chunk(3) | ranges::views::transform(chunk_of)));
  REQUIRE(pages.size() == 2);
  CHECK(pages[0].back() == "page 3");
  CHECK(pages[1] == std::vector<std::string>{"page 4", "page 5"});
}

TEST_CASE("joins over a range: give move-only results", "[join][range]") {
  loop here;
  const auto own = [](int id) { return just(std::make_unique<int>(id)); };
  CHECK(*here.run(when_all(ids | ranges::views::transform(own))).at(4) == 5);
  CHECK(**here.run(when_all_settled(ids | ranges::views::transform(fetch_odd))).at(4) == 5);
  CHECK(*here.run(when_any(ids | ranges::views::transform(own))).value == 1);
  const auto odd = here.run(first_ok(ids | ranges::views::drop(1) | ranges::views::transform(fetch_odd)));
  CHECK(*odd.value == 3);
}

TEST_CASE("joins: a reference in the results is to the same object", "[join][range]") {
  loop here;
  std::vector<std::string> texts{"a", "b", "c"};
  const auto same = [](std::string& text) -> task<std::string&> {
    co_await yield();
    co_return text;
  };
  SECTION("a range") {
    const auto made = texts | std::views::transform(same);
    const std::vector<std::reference_wrapper<std::string>> all = here.run(when_all(made));
    REQUIRE(all.size() == 3);
    CHECK(&all[2].get() == &texts[2]);
    const auto settled = here.run(when_all_settled(texts | std::views::transform(same)));
    CHECK(&*settled[1] == &texts[1]);
    const auto first = here.run(when_any(texts | std::views::transform(same)));
    CHECK(&first.value.get() == &texts[first.index]);
    std::string& ok = here.run(first_ok(texts | std::views::transform(same))).value;
    CHECK(&ok == &texts[0]);
  }
  SECTION("a pack") {
    auto [a, nothing, c] = here.run(when_all(same(texts[0]), yield(), same(texts[2])));
    static_assert(std::is_same_v<decltype(a), std::reference_wrapper<std::string>>);
    CHECK(&a.get() == &texts[0]);
    CHECK(&c.get() == &texts[2]);
    CHECK(nothing == std::monostate());
    const auto first = here.run(when_any(sleep_for(24h), same(texts[1])));
    CHECK(&std::get<1>(first.value).get() == &texts[1]);
    const auto ok = here.run(first_ok(just_error<int>(std::errc::io_error), same(texts[1])));
    CHECK(&std::get<1>(ok.value).get() == &texts[1]);
    const std::string fixed = "const";
    const auto [of_const] = here.run(when_all([&]() -> task<const std::string&> { co_return fixed; }));
    CHECK(&of_const.get() == &fixed);
  }
}

TEST_CASE("joins over a range: take an empty range", "[join][range]") {
  loop here;
  auto none = ids | ranges::views::filter([](int id) { return id > 9; }) | ranges::views::transform(fetch);
  CHECK(here.run(when_all(none)).empty());
  CHECK(here.run(when_all_settled(none)).empty());
  CHECK_THROWS_AS(here.run(when_any(none)), std::invalid_argument);
  CHECK_THROWS_AS(here.run(first_ok(none)), std::invalid_argument);
  here.run(when_all(ids | std::views::take(0) | std::views::transform([](int) { return yield(); })));
}

TEST_CASE("joins over a range: the join's call throws the range's exception", "[join][range]") {
  const auto third_throws = [](int id) { return id == 3 ? throw std::runtime_error("third") : fetch(id); };
  each_join([&](auto join) { CHECK_THROWS_WITH(join(ids | std::views::transform(third_throws)), "third"); });
}

TEST_CASE("joins: a loser that ignores the stop request delays the end, and loses no value", "[join][stop]") {
  loop here;
  promise<std::string> slow;
  std::vector<std::string> written;
  auto reply = slow.get_future();
  // After a stop request it still waits for the reply, and records it.
  const auto stubborn = [&]() -> task<int> {
    written.push_back(co_await shield(std::move(reply)));
    co_return 1;
  };
  const auto delayed = [&](auto joined) {
    for (int turn = 0; turn < 5; ++turn) here.run(yield());
    CHECK_FALSE(joined.is_ready());
    slow.set_value("all of it");
    auto ended = here.run(as_result(std::move(joined)));
    CHECK(written == std::vector<std::string>{"all of it"});
    return ended;
  };
  SECTION("when_any") { CHECK(delayed(spawn(when_any(stubborn, yield())))->index == 1); }
  SECTION("first_ok") { CHECK(delayed(spawn(first_ok(stubborn, yield())))->index == 1); }
  SECTION("when_all") {
    CHECK(delayed(spawn(when_all(stubborn, just_error<int>(std::errc::io_error)))) == std::errc::io_error);
  }
  SECTION("when_all, stopped from outside, still has all values") {
    auto all = spawn(when_all(stubborn, just(2)));
    all.request_stop();
    CHECK(delayed(std::move(all)).value() == std::tuple(1, 2));
  }
  SECTION("when_all_settled, stopped from outside") {
    auto all = spawn(when_all_settled(stubborn, sleep_for(24h)));
    all.request_stop();
    const auto [kept, cancelled] = delayed(std::move(all)).value();
    CHECK(kept == 1);
    CHECK(cancelled == std::errc::operation_canceled);
  }
}

TEST_CASE("joins over a range: can be stopped at each suspension", "[join][range][stop]") {
  each_join([](auto join) {
    CHECK(every_cancellation([join] { return join(ids | ranges::views::transform(fetch)); }) > 2);
  });
  CHECK(every_cancellation(
            [] { return first_ok(ids | ranges::views::drop(1) | ranges::views::transform(fetch_odd)); },
            may_fail::with_anything) > 2);
}
