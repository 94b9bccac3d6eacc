#include "versions.hpp"

#include <string>
#include <vector>

#include "catch.hpp"
#include "every_cancellation.hpp"

using namespace std::chrono_literals;

TEST_CASE("ordered_await: every style asks for the orders once it has the user", "[ordered_await]") {
  stage::line_service service = stage::open_shop(1ms);
  stage::story told;
  const stage::shop shop(service.address(), told);
  braid::loop loop;
  const stage::style how = GENERATE(from_range(stage::every_style));
  CAPTURE(name_of(how));

  CHECK(ordered_await::get_invoice(how, shop, 7) == stage::invoice{"Ada", 3990 + 1250 + 120});
  CHECK(told.events() == std::vector<std::string>{"ask user", "user", "ask orders", "orders"});
}

TEST_CASE("ordered_await: in every style an unknown user ends it with the service's message",
          "[ordered_await]") {
  stage::line_service service = stage::open_shop(0ms);
  stage::story told;
  const stage::shop shop(service.address(), told);
  braid::loop loop;
  const stage::style how = GENERATE(from_range(stage::every_style));
  CAPTURE(name_of(how));

  CHECK_THROWS_WITH(ordered_await::get_invoice(how, shop, 99), "the shop knows no user 99");
  CHECK(told.events() == std::vector<std::string>{"ask user"});
}

TEST_CASE("ordered_await: in every style a missing service is connection_refused", "[ordered_await]") {
  const braid::endpoint gone = stage::line_service(nullptr).address();
  stage::story told;
  const stage::shop shop(gone, told);
  braid::loop loop;
  const stage::style how = GENERATE(from_range(stage::every_style));
  CAPTURE(name_of(how));

  try {
    ordered_await::get_invoice(how, shop, 7);
    FAIL("there was an answer");
  } catch (const std::system_error& failure) {
    CHECK(failure.code() == std::errc::connection_refused);
  }
}

TEST_CASE("ordered_await: a coroutine and a fiber can be stopped at every await", "[ordered_await]") {
  const bool fiber = GENERATE(false, true);
  CAPTURE(fiber);
  const std::size_t suspensions = braid_tests::every_cancellation_with_memory([fiber]() -> braid::task<> {
    const stage::answer_fn answer = stage::shop_answers(0ms);
    braid::tcp::listener door = braid::tcp::listen_now(braid::endpoint::loopback());
    stage::story told;
    const stage::shop shop(door.local_endpoint(), told);
    auto getting = [&]() -> braid::task<> {
      if (fiber)
        co_await braid::in_fiber([&] { (void)ordered_await::fibers::get_invoice(shop, 7); });
      else
        (void)co_await ordered_await::coroutines::get_invoice(shop, 7);
    };
    co_await braid::when_any(stage::serve(std::move(door), answer), getting);
  });
  CHECK(suspensions > 5);
}
