#include "braid/sim/virtual_time.hpp"

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/loop/nop.hpp"
#include "braid/schedule/offload.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "catch.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace std::chrono_literals;
using braid_tests::every_style;

namespace {

TEST_CASE("virtual_time: an hour's sleep takes no real time, in every style", "[sim][virtual_time]") {
  IN_EVERY_STYLE(style);
  sim::virtual_time time;
  CHECK(style.wait(sleep_for(1h)));
  CHECK(time.now().time_since_epoch() == 1h);
}

TEST_CASE("virtual_time: completions arrive in order", "[sim][virtual_time]") {
  sim::virtual_time time;
  std::string order;
  const auto one = [&order](char name) -> task<void> {
    co_await nop();
    order += name;
  };
  run(when_all(one('a'), one('b'), one('c'), one('d')));
  CHECK(order == "abcd");
}

TEST_CASE("virtual_time: a loop without a timer waits for another thread", "[sim][virtual_time]") {
  sim::virtual_time time;
  promise<int> settled;
  future<int> later = settled.get_future();
  std::thread other([p = std::move(settled)]() mutable { p.set_value(7); });
  CHECK(run(std::move(later)) == 7);
  other.join();
}

TEST_CASE("virtual_time: a time-out passes once no other work can run", "[sim][virtual_time]") {
  sim::virtual_time time;
  promise<int> never;
  const auto ended = run(as_result(with_timeout(never.get_future(), 24h)));
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == std::errc::timed_out);
  CHECK(time.now().time_since_epoch() == 24h);
}

TEST_CASE("virtual_time: blocking work runs, and loops end with work in flight", "[sim][virtual_time]") {
  sim::virtual_time time;
  CHECK(run(offload([] { return 5; })) == 5);
  loop here;
  CHECK(std::string(here.reactor_name()) == "simulation");
  auto left = spawn(sleep_for(1h));
  auto job = spawn(offload([] {}));
  here.run(nop());
}

TEST_CASE("virtual_time: a loop made after it runs on the real clock", "[sim][virtual_time]") {
  { sim::virtual_time time; }
  loop here;
  CHECK(std::string(here.reactor_name()) != "simulation");
}

}  // namespace
