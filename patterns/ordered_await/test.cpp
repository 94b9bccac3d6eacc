#include "versions.hpp"

#include <string>
#include <vector>

#include "catch.hpp"

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

TEST_CASE("ordered_await: in every style an unknown user ends it with the service's own words",
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

TEST_CASE("ordered_await: in every style a service that is gone is connection_refused", "[ordered_await]") {
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
