#include "versions.hpp"

#include <string>

#include <range/v3/range/conversion.hpp>

#include "catch.hpp"
#include "every_cancellation.hpp"
#include "stage/cues.hpp"

using namespace bounded_concurrency;
using namespace std::string_literals;

namespace {

constexpr unsigned jobs = 100, limit = 4;

titles all_in_order(unsigned count) {
  return views::iota(0u, count) |
         views::transform([](unsigned n) { return "title " + std::to_string(n); }) | ranges::to<titles>();
}

// Answers no request until `limit` of them are there; then in its own order, as some answers take more turns.
struct full_archive {
  stage::cues given;
  head_count asked;
  stage::line_service service{titles_once([this](unsigned number) { return pace(number); }, asked)};
  const archive from{service.address()};
  braid::loop loop;

 private:
  braid::task<> pace(unsigned number) {
    if (asked.now() == static_cast<int>(limit)) given.give("full");
    co_await given.wait_for("full");
    for (unsigned turn = 0; turn < number * 7 % 5; ++turn) co_await braid::yield();
  }
};

// Has no title 17, and does not answer later requests before the reader knows that.
struct torn_archive {
  stage::cues given;
  head_count asked;
  stage::line_service service{titles_once([this](unsigned number) { return pace(number); }, asked)};
  const archive from{service.address(), [this] { given.give("failed"); }};
  braid::loop loop;

 private:
  braid::task<> pace(unsigned number) {
    if (number == 17) throw stage::refused("there is no title 17");
    if (number > 17) co_await given.wait_for("failed");
  }
};

}  // namespace

TEST_CASE("bounded_concurrency: in every style four are in flight and never more, with results in order",
          "[bounded_concurrency]") {
  const stage::style how = GENERATE(from_range(stage::every_style));
  const bound by = GENERATE(from_range(every_bound));
  CAPTURE(name_of(how), name_of(by));
  if (!versions_of(by).has(how)) return;
  full_archive at;

  CHECK(fetch_all(how, by, at.from, jobs, limit) == all_in_order(jobs));
  CHECK(at.from.fetches().most() == limit);
  CHECK(at.asked.most() == limit);  // as counted by the service
  CHECK(at.from.fetches().came() == jobs);
}

TEST_CASE("bounded_concurrency: in every style a failure ends it, and later jobs never start",
          "[bounded_concurrency]") {
  const stage::style how = GENERATE(from_range(stage::every_style));
  const bound by = GENERATE(from_range(every_bound));
  CAPTURE(name_of(how), name_of(by));
  if (!versions_of(by).has(how)) return;
  torn_archive at;

  CHECK_THROWS_WITH(fetch_all(how, by, at.from, jobs, limit), "there is no title 17");
  CHECK(at.from.fetches().now() == 0);
  if (how != stage::style::blocking)  // its other threads may be faster than the one that throws
    CHECK(at.from.fetches().came() < static_cast<int>(jobs));
}

TEST_CASE("bounded_concurrency: no jobs give no titles", "[bounded_concurrency]") {
  const stage::style how = GENERATE(from_range(stage::every_style));
  CAPTURE(name_of(how));
  full_archive at;
  CHECK(fetch_all(how, bound::map_concurrent, at.from, 0, limit).empty());
  if (versions_of(bound::semaphore).has(how))
    CHECK(fetch_all(how, bound::semaphore, at.from, 0, limit).empty());
}

TEST_CASE("bounded_concurrency: a coroutine and a fiber can be stopped at every await",
          "[bounded_concurrency]") {
  const stage::style how = GENERATE(stage::style::coroutine, stage::style::fiber);
  const bound by = GENERATE(from_range(every_bound));
  CAPTURE(name_of(how), name_of(by));
  const std::size_t suspensions = braid_tests::every_cancellation_with_memory([how, by]() -> task<> {
    head_count asked;
    const stage::answer_fn answer = titles_once([](unsigned) -> task<> { co_await yield(); }, asked);
    tcp::listener door = tcp::listen_now(endpoint::loopback());
    const archive from(door.local_endpoint());
    auto fetching = [&]() -> task<> {
      const titles got = co_await stage::task_in_style(how, versions_of(by), from, 6, 2);
      if (got != all_in_order(6)) throw std::logic_error("some title is missing");
    };
    co_await when_any(stage::serve(std::move(door), answer), fetching);
  });
  CHECK(suspensions > 10);
}
