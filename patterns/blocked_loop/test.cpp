#include "versions.hpp"

#include <atomic>
#include <string>
#include <vector>

#include "catch.hpp"
#include "every_cancellation.hpp"
#include "stage/story.hpp"

using namespace blocked_loop;
using stage::style;
using events = std::vector<std::string>;

namespace {

constexpr std::size_t pieces = 8;

bool is_even(unsigned number) { return number % 2 == 0; }

sheet small_numbers(std::function<bool(unsigned)> counts = is_even) {
  sheet made{{}, std::move(counts)};
  for (unsigned n = 0; n < pieces * piece_size; ++n) made.numbers.push_back(n);
  return made;
}
constexpr int even_ones = pieces * piece_size / 2;

// A count beside a heart that beats on each of its turns; the story has the beginning, the beats and the end.
int count_beside_heart(style how, way by, const sheet& seen, crew& hands, stage::story& told,
                       std::atomic<int>* beats = nullptr) {
  int found = 0;
  bool over = false;
  const auto heart = [&]() -> task<> {
    while (!over) {
      told.tick();
      if (beats != nullptr) {
        ++*beats;
        beats->notify_all();
      }
      co_await yield();
    }
  };
  const auto counting = [&]() -> task<> {
    co_await yield();  // the heart beats already
    told.tell("begin");
    found = co_await count(how, by, seen, hands);
    told.tell("end");
    over = true;
  };
  run(when_all(heart, counting));
  return found;
}

// Two counts; a click during the first count starts the second.
events two_clicks(style how, way by) {
  loop here;
  crew hands(1);
  stage::story told;
  sheet seen = small_numbers();
  const auto click = [&](std::string which) -> task<> {
    told.tell("begin " + which);
    (void)co_await count(how, by, seen, hands);
    told.tell("end " + which);
  };
  here.post([&] { detach(click("first")); });
  here.post([&] { detach(click("second")); });
  here.run();
  return told.events();
}

}  // namespace

TEST_CASE("blocked_loop: every way counts the same, in every style", "[blocked_loop]") {
  const style how = GENERATE(from_range(stage::every_style));
  const way by = GENERATE(from_range(every_way));
  const unsigned threads = GENERATE(1u, 3u);
  CAPTURE(name_of(how), name_of(by), threads);
  if (!has(how, by)) return;
  loop here;
  crew hands(threads);
  CHECK(here.run(count(how, by, small_numbers(), hands)) == even_ones);
  CHECK(here.run(count(how, by, big_numbers(1000), hands)) == 49);
  CHECK(here.run(count(how, by, sheet{{}, is_prime}, hands)) == 0);
}

TEST_CASE("blocked_loop: the heart stands still while everything is computed at once, in a task too",
          "[blocked_loop]") {
  const style how = GENERATE(style::blocking, style::coroutine);
  CAPTURE(name_of(how));
  loop here;
  crew hands(1);
  stage::story told;
  CHECK(count_beside_heart(how, way::at_once, small_numbers(), hands, told) == even_ones);
  CHECK(told.ticks_between("begin", "end") == 0);
}

TEST_CASE("blocked_loop: the heart beats after every piece of a count that yields or pumps events",
          "[blocked_loop]") {
  const style how = GENERATE(from_range(stage::every_style));
  const way by = how == style::blocking ? way::pumping : way::yielding;
  CAPTURE(name_of(how));
  loop here;
  crew hands(1);
  stage::story told;
  CHECK(count_beside_heart(how, by, small_numbers(), hands, told) == even_ones);
  CHECK(told.ticks_between("begin", "end") >= pieces);
}

TEST_CASE("blocked_loop: the heart beats while the pool or a crew computes", "[blocked_loop]") {
  const style how = GENERATE(style::callback, style::future, style::coroutine, style::fiber);
  const way by = GENERATE(way::offloaded, way::by_crew);
  CAPTURE(name_of(how), name_of(by));
  loop here;
  crew hands(2);
  stage::story told;
  // The first number takes until the heart has beaten ten more times: if the work blocked the loop, the loop
  // would block the work.
  std::atomic<int> beats = 0;
  const sheet seen = small_numbers([&beats](unsigned number) {
    if (number == 0)
      for (int now = beats, first = now; now < first + 10; now = beats) beats.wait(now);
    return is_even(number);
  });
  CHECK(count_beside_heart(how, by, seen, hands, told, &beats) == even_ones);
  CHECK(told.ticks_between("begin", "end") >= 10);
}

TEST_CASE("blocked_loop: with pumping the first count cannot end before the second",
          "[blocked_loop]") {
  CHECK(two_clicks(style::blocking, way::at_once) ==
        events{"begin first", "end first", "begin second", "end second"});
  CHECK(two_clicks(style::blocking, way::pumping) ==
        events{"begin first", "begin second", "end second", "end first"});
}

TEST_CASE("blocked_loop: with yields two counts overlap, and each ends when it is done",
          "[blocked_loop]") {
  const style how = GENERATE(style::callback, style::future, style::coroutine, style::fiber);
  CAPTURE(name_of(how));
  CHECK(two_clicks(how, way::yielding) == events{"begin first", "begin second", "end first", "end second"});
}

TEST_CASE("blocked_loop: a blocking call in the loop's own handler is refused", "[blocked_loop]") {
  loop here;
  crew hands(1);
  std::string refused;
  here.post([&] {
    try {
      (void)run(count(style::coroutine, way::yielding, small_numbers(), hands));
    } catch (const std::logic_error& failure) {
      refused = failure.what();
    }
  });
  here.run();
  CHECK_THAT(refused, braid_tests::contains("waiting here would deadlock"));
}

TEST_CASE("blocked_loop: data read before a yield may have changed after it", "[blocked_loop]") {
  const bool fiber = GENERATE(false, true);
  CAPTURE(fiber);
  loop here;
  sheet seen = small_numbers();
  const auto edit = [&]() -> task<> {  // runs between the first piece and the second
    for (unsigned& number : seen.numbers) number = 1;
    co_return;
  };
  const auto naively = [&]() -> task<int> {
    if (!fiber) co_return co_await coroutines::count_naively(seen, stop_token());
    co_return co_await in_fiber([&] { return fibers::count_naively(seen, stop_token()); });
  };
  const auto with_copy = [&]() -> task<int> {
    if (!fiber) co_return co_await coroutines::count_yielding(seen, stop_token());
    co_return co_await in_fiber([&] { return fibers::count_yielding(seen, stop_token()); });
  };
  const auto [right, nothing] = here.run(when_all(with_copy, edit));
  (void)nothing;
  CHECK(right == even_ones);  // for the numbers at the time of the click

  seen = small_numbers();
  const auto [mixed, none] = here.run(when_all(naively, edit));
  (void)none;
  CHECK(mixed == even_ones / static_cast<int>(pieces));  // of the first piece: right at no time
}

TEST_CASE("blocked_loop: a naive count does not read past the end of a sheet that shrinks",
          "[blocked_loop]") {
  loop here;
  sheet seen = small_numbers();
  const auto clear = [&]() -> task<> {
    seen = {{}, is_even};
    co_return;
  };
  const auto naively = [&] { return coroutines::count_naively(seen, stop_token()); };
  const auto [found, none] = here.run(when_all(naively, clear));
  (void)none;
  CHECK(found == even_ones / static_cast<int>(pieces));
}

TEST_CASE("blocked_loop: a count that yields ends early when it is stopped", "[blocked_loop][stop]") {
  const style how = GENERATE(style::callback, style::future, style::coroutine, style::fiber);
  CAPTURE(name_of(how));
  loop here;
  crew hands(1);
  stop_source closing;
  std::size_t looked_at = 0;
  const sheet seen = small_numbers([&](unsigned number) {
    ++looked_at;
    if (number == 3 * piece_size) closing.request_stop();  // in the middle of the fourth piece
    return is_even(number);
  });
  const auto ended = here.run(
      as_result(with_stop_token(count(how, way::yielding, seen, hands), closing.get_token())));
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == std::errc::operation_canceled);
  CHECK(looked_at == 4 * piece_size);
  CHECK_FALSE(here.has_work());
}

TEST_CASE("blocked_loop: a stopped count on the blocking pool is waited for",
          "[blocked_loop][stop]") {
  const style how = GENERATE(style::future, style::coroutine, style::fiber);
  CAPTURE(name_of(how));
  loop here;
  crew hands(1);
  stop_source closing;
  std::atomic<std::size_t> looked_at = 0;
  const sheet seen = small_numbers([&](unsigned number) {
    if (looked_at++ == 0) closing.request_stop();
    return is_even(number);
  });
  CHECK(here.run(with_stop_token(count(how, way::offloaded, seen, hands), closing.get_token())) == even_ones);
  CHECK(looked_at == pieces * piece_size);
}

TEST_CASE("blocked_loop: a stop releases the waiter of a crew, and the crew goes on with its copy",
          "[blocked_loop][stop]") {
  const style how = GENERATE(style::future, style::coroutine, style::fiber);
  CAPTURE(name_of(how));
  loop here;
  std::atomic<bool> may_go_on = false;
  std::atomic<std::size_t> looked_at = 0;
  {
    stop_source closing;
    crew hands(1);
    const auto counting = [&]() -> task<int> {
      const sheet seen = small_numbers([&](unsigned number) {  // destroyed at the end of this block
        if (looked_at++ == 0) closing.request_stop();
        may_go_on.wait(false);
        return is_even(number);
      });
      co_return co_await count(how, way::by_crew, seen, hands);
    };
    const auto ended = here.run(as_result(with_stop_token(counting, closing.get_token())));
    REQUIRE_FALSE(ended);
    CHECK(ended.error() == std::errc::operation_canceled);
    CHECK(looked_at == 1);
    may_go_on = true;
    may_go_on.notify_all();
  }
  CHECK(looked_at == pieces * piece_size);  // the crew has finished its work
}

TEST_CASE("blocked_loop: an exception in the crew is the count's failure", "[blocked_loop]") {
  const style how = GENERATE(style::callback, style::future, style::coroutine, style::fiber);
  const way by = GENERATE(way::yielding, way::offloaded, way::by_crew);
  CAPTURE(name_of(how), name_of(by));
  if (how == style::callback && by == way::yielding) return;  // it throws into its caller, the loop
  loop here;
  crew hands(2);
  const sheet seen = small_numbers([](unsigned number) -> bool {
    if (number == 700) throw std::runtime_error("700 is too much");
    return is_even(number);
  });
  CHECK_THROWS_WITH(here.run(count(how, by, seen, hands)), "700 is too much");
}

TEST_CASE("blocked_loop: a crew ends when it has done all its work", "[blocked_loop][crew]") {
  loop here;
  std::vector<future<int>> all;
  {
    crew hands(2);
    CHECK(hands.size() == 2);
    for (int n = 0; n < 5; ++n) all.push_back(hands.compute([n] { return n; }));
  }
  for (const future<int>& each : all) CHECK(each.is_ready());
  CHECK(here.run(when_all(std::move(all))) == std::vector{0, 1, 2, 3, 4});
}

TEST_CASE("blocked_loop: with short turns completions arrive between the pieces",
          "[blocked_loop]") {
  const style how = GENERATE(style::callback, style::future, style::coroutine, style::fiber);
  CAPTURE(name_of(how));
  loop here({.operations_per_turn = 1});
  crew hands(1);
  int news = 0, news_between = 0;
  bool over = false;
  const auto heart = [&]() -> task<> {
    while (!over) {
      co_await nop();  // once to the kernel and back
      ++news;
    }
  };
  const auto counting = [&]() -> task<> {
    const int before = news;
    const int found = co_await count(how, way::yielding, small_numbers(), hands);
    CHECK(found == even_ones);
    news_between = news - before;
    over = true;
  };
  here.run(when_all(heart, counting));
  CHECK(news_between >= static_cast<int>(pieces) / 2);
}

TEST_CASE("blocked_loop: a coroutine and a fiber that yield can be stopped at every await",
          "[blocked_loop][stop]") {
  const style how = GENERATE(style::coroutine, style::fiber);
  CAPTURE(name_of(how));
  const std::size_t suspensions = braid_tests::every_cancellation_with_memory([how]() -> task<> {
    crew hands(1);
    const int found = co_await count(how, way::yielding, small_numbers(), hands);
    if (found != even_ones) throw std::logic_error("miscounted");
  });
  CHECK(suspensions >= pieces);
}
