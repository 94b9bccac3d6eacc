#include "braid/loop/nop.hpp"

#include "allocations.hpp"
#include "braid/loop/loop.hpp"
#include "braid/style/run.hpp"
#include "braid/style/start.hpp"
#include "catch.hpp"
#include "recorder.hpp"

namespace {

using namespace braid;

TEST_CASE("nop: goes through the reactor and completes in a later turn", "[loop][nop]") {
  loop home;
  braid_tests::recorded op(nop());
  op.start();
  CHECK_FALSE(op.done());
  CHECK(home.in_flight() == 1);
  home.run();
  REQUIRE(op.heard.times == 1);
  CHECK(op.result().has_value());
  CHECK(home.in_flight() == 0);
}

TEST_CASE("nop: allocates nothing in the steady state", "[loop][nop]") {
  if (!braid_tests::counts_allocations) return;
  loop home;
  int ended = 0;
  const auto some = [&] {
    for (int n = 0; n < 100; ++n) {
      home.run(nop());
      start(nop(), [&](result<void>) { ++ended; });
    }
    home.run();
  };
  some();
  const braid_tests::allocation_count count;
  some();
  const std::size_t made = count.made();
  CHECK(made == 0);
  CHECK(ended == 200);
}

}  // namespace
