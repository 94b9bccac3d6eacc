#include "braid/schedule/yield.hpp"

#include <string>
#include <vector>

#include "allocations.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "recorder.hpp"

namespace {

using namespace braid;
using braid_tests::recorded;

TEST_CASE("yield: lets ready work run first, and never ends within start", "[schedule][yield]") {
  loop home;
  recorded first(yield()), second(yield());
  first.start();
  second.start();
  CHECK_FALSE(first.done());
  home.run();
  CHECK(first.result().has_value());
  CHECK(second.result().has_value());
}

TEST_CASE("yield: coroutines that yield take turns", "[schedule][yield]") {
  loop home;
  std::string order;
  const auto writer = [&](char letter) -> task<> {
    for (int n = 0; n < 3; ++n) {
      order += letter;
      co_await yield();
    }
  };
  detach(writer('a'));
  detach(writer('b'));
  detach(writer('c'));
  home.run();
  CHECK(order == "abcabcabc");
}

TEST_CASE("yield: a million in a row take constant stack and no allocation", "[schedule][yield]") {
  loop home;
  std::size_t made = 0;
  const int ended = home.run([&]() -> task<int> {
    const braid_tests::allocation_count count;
    int n = 0;
    while (n < 1'000'000) {
      co_await yield();
      ++n;
    }
    made = count.made();
    co_return n;
  });
  CHECK(ended == 1'000'000);
  CHECK(made == 0);
}

TEST_CASE("yield: ends as cancelled if stop is requested before or after its start", "[schedule][yield]") {
  loop home;
  stop_source source;
  recorded op(yield(), source.get_token());
  const bool before = GENERATE(true, false);
  if (before) source.request_stop();
  op.start();
  if (!before) source.request_stop();
  home.run();
  CHECK(op.result().error() == std::errc::operation_canceled);
  CHECK(op.result().error().call() == "yield");
}

TEST_CASE("yield: an endless row of yields can be stopped", "[schedule][yield]") {
  loop home;
  stop_source source;
  int rounds = 0;
  home.post([&] { source.request_stop(); });
  const auto ended = home.run(as_result(with_stop_token(
      [&]() -> task<> {
        for (;; ++rounds) co_await yield();
      },
      source.get_token())));
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == std::errc::operation_canceled);
  CHECK(rounds < 10);
}

}  // namespace
