#include "versions.hpp"

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include <braid/sim/virtual_time.hpp>

#include "catch.hpp"
#include "every_cancellation.hpp"
#include "stage/temporary_folder.hpp"

using namespace std::chrono_literals;
using promise_all::joining;
using events = std::vector<std::string>;

namespace {

// A desk whose steps take no additional time.
struct quick_desk {
  explicit quick_desk(std::string form) { std::ofstream(folder.path() / "form") << form; }

  const promise_all::durations none{0ms, 0ms, 0ms, 0ms};
  stage::temporary_folder folder;
  stage::line_service archive = promise_all::open_archive(none);
  stage::story told;
  promise_all::report_desk desk{archive.address(), folder.path() / "form", none, told};
  braid::loop loop;
};

}  // namespace

TEST_CASE("promise_all: every style asks for orders and preferences before it has either", "[promise_all]") {
  stage::line_service service = stage::open_shop(1ms);
  stage::story told;
  const stage::shop shop(service.address(), told);
  braid::loop loop;
  const stage::style how = GENERATE(from_range(stage::every_style));
  CAPTURE(name_of(how));

  CHECK(promise_all::get_invoice(how, shop, 7) == stage::invoice{"Ada", 5360 - 536});
  events told_events = told.events();
  REQUIRE(told_events.size() == 6);
  std::sort(told_events.begin() + 4, told_events.end());  // whichever answer comes first
  CHECK(told_events ==
        events{"ask user", "user", "ask orders", "ask preferences", "orders", "preferences"});
}

TEST_CASE("promise_all: in every style an unknown user ends it with the service's message",
          "[promise_all]") {
  stage::line_service service = stage::open_shop(0ms);
  stage::story told;
  const stage::shop shop(service.address(), told);
  braid::loop loop;
  const stage::style how = GENERATE(from_range(stage::every_style));
  CAPTURE(name_of(how));

  CHECK_THROWS_WITH(promise_all::get_invoice(how, shop, 99), "the shop knows no user 99");
}

TEST_CASE("promise_all: the steps of a report in sequence wait for each other", "[promise_all]") {
  quick_desk at("sold for {}");
  const stage::style how = GENERATE(from_range(stage::every_style));
  CAPTURE(name_of(how));

  CHECK(promise_all::send_report(how, joining::in_sequence, at.desk) == "got: sold for 1200");
  CHECK(at.told.events() == events{"read..", "read", "query..", "query", "parse", "send"});
}

TEST_CASE("promise_all: at once, the file is read while the query is in flight", "[promise_all]") {
  quick_desk at("sold for {}");
  const stage::style how = GENERATE(from_range(stage::every_style));
  CAPTURE(name_of(how));

  CHECK(promise_all::send_report(how, joining::at_once, at.desk) == "got: sold for 1200");
  events told = at.told.events();
  REQUIRE(told.size() == 6);
  std::sort(told.begin() + 2, told.begin() + 4);  // whichever ends first
  CHECK(told == events{"read..", "query..", "query", "read", "parse", "send"});
}

TEST_CASE("promise_all: three times 200 ms are 600 ms in sequence, 200 ms at once; 200 beside 300 is 300",
          "[promise_all]") {
  const stage::style how = GENERATE(from_range(stage::every_style));
  CAPTURE(name_of(how));
  const braid::sim::virtual_time clock;
  braid::loop loop;
  const auto time_of = [&](joining all, promise_all::answer_times times) {
    const promise_all::services at(promise_all::services_that_take(times));
    const auto began = clock.now();
    CHECK(promise_all::get_front_page(how, all, at) == promise_all::front_page{"weather", "news", "prices"});
    return clock.now() - began;
  };
  CHECK(time_of(joining::in_sequence, {}) == 600ms);
  CHECK(time_of(joining::at_once, {}) == 200ms);
  CHECK(time_of(joining::at_once, {.news = 300ms}) == 300ms);
}

TEST_CASE("promise_all: a failed step ends the report, in every style and order",
          "[promise_all]") {
  quick_desk at("a form without a place");
  const stage::style how = GENERATE(from_range(stage::every_style));
  const joining read_and_query = GENERATE(joining::in_sequence, joining::at_once);
  CAPTURE(name_of(how), read_and_query == joining::at_once);

  CHECK_THROWS_WITH(promise_all::send_report(how, read_and_query, at.desk),
                    "the form has no place for the numbers");
  CHECK(at.told.position("send") == at.told.events().size());
}

TEST_CASE("promise_all: a coroutine and a fiber can be stopped at every await", "[promise_all]") {
  const bool fiber = GENERATE(false, true);
  CAPTURE(fiber);
  const std::size_t suspensions = braid_tests::every_cancellation_with_memory([fiber]() -> braid::task<> {
    const stage::answer_fn answer = stage::shop_answers(0ms);
    braid::tcp::listener door = braid::tcp::listen_now(braid::endpoint::loopback());
    stage::story told;
    const stage::shop shop(door.local_endpoint(), told);
    auto getting = [&]() -> braid::task<> {
      if (fiber)
        co_await braid::in_fiber([&] { (void)promise_all::fibers::get_invoice(shop, 7); });
      else
        (void)co_await promise_all::coroutines::get_invoice(shop, 7);
    };
    co_await braid::when_any(stage::serve(std::move(door), answer), getting);
  });
  CHECK(suspensions > 5);
}
