#include "braid/core/just.hpp"

#include <memory>
#include <stdexcept>

#include "catch.hpp"
#include "recorder.hpp"

namespace {

using namespace braid;
using braid_tests::recorded;

TEST_CASE("just: completes at once with its value", "[core][just]") {
  CHECK(*recorded(just(7)).start().result() == 7);
  CHECK(recorded(just()).start().result().has_value());
  CHECK(**recorded(just(std::make_unique<int>(3))).start().result() == 3);
}

TEST_CASE("just: copies a value that is given by reference", "[core][just]") {
  int n = 1;
  auto op = just(n);
  n = 2;
  CHECK(*recorded(std::move(op)).start().result() == 1);
}

TEST_CASE("just_from: calls its function when it is started; an exception is its error", "[core][just]") {
  int calls = 0;
  recorded op(just_from([&] { return ++calls; }));
  CHECK(calls == 0);
  op.start();
  CHECK(*op.result() == 1);
  CHECK(calls == 1);
  recorded failing(just_from([]() -> int { throw std::out_of_range("seven"); }));
  failing.start();
  REQUIRE_FALSE(failing.result());
  CHECK_THROWS_AS(failing.result().value(), std::out_of_range);
  recorded nothing(just_from([&] { ++calls; }));
  nothing.start();
  CHECK(nothing.result().has_value());
  CHECK(calls == 2);
}

TEST_CASE("just_error: completes at once with the error, for any value type", "[core][just]") {
  CHECK(recorded(just_error<int>(std::errc::timed_out)).start().result().error() == std::errc::timed_out);
  CHECK(recorded(just_error<void>(errc::end_of_stream)).start().result().error() == errc::end_of_stream);
}

}  // namespace
