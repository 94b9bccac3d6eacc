#include "versions.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "catch.hpp"
#include "every_cancellation.hpp"
#include "stage/cues.hpp"

using namespace ordering;
using events = std::vector<std::string>;
using braid_tests::contains;
using numbers = std::vector<int>;

namespace {

std::string came(int number) { return "page " + std::to_string(number) + " came"; }
std::string said(int number) {
  return std::array{"once", "upon", "a time"}[static_cast<std::size_t>(number - 1)];
}

// A library whose pages arrive in a given order: it sends the next page once the reader has done all it can
// with the one before.
struct library_in_order {
  explicit library_in_order(const numbers& arrivals, int last_page = 3)
      : service(library([this](int number) { return given.wait_for(came(number)); }, last_page)) {
    for (std::size_t i = 1; i < arrivals.size(); ++i) next[arrivals[i - 1]] = arrivals[i];
    given.give(came(arrivals[0]));
  }

  std::map<int, int> next;
  stage::cues given;
  stage::line_service service;
  stage::story told;
  book from{service.address(), told, [this](int number) { send_after(number); }};
  braid::loop loop;

 private:
  // Each post is another turn of the loop; no version needs this many turns for what is ready.
  void send_after(int number, int turns = 20) {
    if (turns > 0) return loop.post([this, number, turns] { send_after(number, turns - 1); });
    if (next.contains(number)) given.give(came(next[number]));
  }
};

// The events when pages arrive in this order: each page is read as soon as those before it were.
events as_early_as_possible(const numbers& arrivals) {
  events told;
  numbers here;
  int turn = 1;
  for (int number : arrivals) {
    told.push_back(came(number));
    here.push_back(number);
    for (; std::ranges::find(here, turn) != here.end(); ++turn) told.push_back(said(turn));
  }
  return told;
}

events of_arrival(const numbers& arrivals) {
  events told;
  for (int number : arrivals) told.insert(told.end(), {came(number), said(number)});
  return told;
}

}  // namespace

TEST_CASE("ordering: in every style pages that arrive in any order are read in order, as early as possible",
          "[ordering]") {
  numbers arrivals{1, 2, 3};
  do {
    for (stage::style how : stage::every_style) {
      CAPTURE(arrivals, name_of(how));
      library_in_order at(arrivals);
      read_aloud(how, order::of_pages, at.from, at.told);
      CHECK(at.told.events() == as_early_as_possible(arrivals));
    }
  } while (std::ranges::next_permutation(arrivals).found);
}

TEST_CASE("ordering: the naive version of every style reads pages as they arrive", "[ordering]") {
  numbers arrivals{1, 2, 3};
  do {
    for (stage::style how : stage::every_style) {
      CAPTURE(arrivals, name_of(how));
      library_in_order at(arrivals);
      read_aloud(how, order::of_arrival, at.from, at.told);
      CHECK(at.told.events() == of_arrival(arrivals));
    }
  } while (std::ranges::next_permutation(arrivals).found);
}

TEST_CASE("ordering: in every style a missing page ends it with the service's message",
          "[ordering]") {
  const stage::style how = GENERATE(from_range(stage::every_style));
  CAPTURE(name_of(how));
  library_in_order at({1, 2, 3}, 1);
  at.given.give(came(3));
  at.loop.on_unhandled_error([](const braid::error& left) {  // the error of the page after it
    CHECK(left.message() == "the book ends before page 3");
  });

  CHECK_THROWS_WITH(read_aloud(how, order::of_pages, at.from, at.told),
                    contains("the book ends before page"));
  CHECK(at.told.position(said(2)) == at.told.events().size());
  at.loop.run();
}

TEST_CASE("ordering: a coroutine and a fiber can be stopped at every await", "[ordering]") {
  const bool fiber = GENERATE(false, true);
  CAPTURE(fiber);
  const std::size_t suspensions = braid_tests::every_cancellation_with_memory([fiber]() -> task<> {
    const stage::answer_fn answer = library([](int) -> task<> { co_await yield(); });
    tcp::listener door = tcp::listen_now(endpoint::loopback());
    stage::story told;
    const book from(door.local_endpoint(), told);
    auto reading = [&]() -> task<> {
      if (!fiber) co_return co_await coroutines::read_aloud(from, told);
      co_await in_fiber([&] { fibers::read_aloud(from, told); });
    };
    co_await when_any(stage::serve(std::move(door), answer), reading);
  });
  CHECK(suspensions > 5);
}
