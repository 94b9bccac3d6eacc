#include "braid/net/connect.hpp"

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "braid/combine/with_timeout.hpp"
#include "braid/net/resolve.hpp"
#include "braid/net/tcp.hpp"
#include "braid/sim/world.hpp"
#include "braid/style/as_result.hpp"
#include "catch.hpp"
#include "descriptors.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

endpoint unused_endpoint() { return tcp::listen_now(endpoint::loopback()).local_endpoint(); }

// Three servers in a simulated world, of which the first ones do not answer or refuse.
struct servers {
  explicit servers(std::uint64_t seed = 1) : world(seed) {
    for (const char* name : {"a", "b", "c"})
      hosts.push_back(&world.add_host(name, {.program = [](sim::host&) { return serves(); }}));
    for (sim::host* each : hosts) endpoints.emplace_back(each->address(), 80);
    world.run_on(client, sleep_for(1ms));
  }
  static task<> serves() {
    const tcp::listener door = tcp::listen_now(endpoint("0.0.0.0", 80));
    std::vector<tcp::stream> kept;
    for (;;) kept.push_back(co_await door.accept());
  }
  result<endpoint> peer(tcp::connect_options how = {}) {
    const auto connecting = [&]() -> task<endpoint> {
      const tcp::stream made = co_await tcp::connect_to_any(endpoints, how);
      co_return made.peer_endpoint();
    };
    return world.run_on(client, as_result(connecting));
  }

  sim::world world;
  sim::host& client = world.add_host("client");
  std::vector<sim::host*> hosts;
  std::vector<endpoint> endpoints;
};

}  // namespace

TEST_CASE("connect: finds the endpoint of a host's that answers", "[net][connect]") {
  IN_EVERY_STYLE(style);
  loop here;
  const auto before = open_descriptors();
  {
    const auto listening = *style.wait(tcp::listen(endpoint::loopback()));  // and not on ::1
    const std::string port = std::to_string(listening.local_endpoint().port());
    const auto made = style.wait(tcp::connect("localhost", port));
    REQUIRE(made);
    CHECK(made->peer_endpoint() == listening.local_endpoint());
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("connect: goes on at once after a refusal, and reports all refusals", "[net][connect]") {
  IN_EVERY_STYLE(style);
  loop here;
  const auto listening = *style.wait(tcp::listen(endpoint::loopback()));
  const endpoint closed = unused_endpoint(), closed_too = unused_endpoint();
  const tcp::connect_options never{.attempt_delay = 1h};
  const auto made = style.wait(tcp::connect_to_any({closed, listening.local_endpoint()}, never));
  REQUIRE(made);
  CHECK(made->peer_endpoint() == listening.local_endpoint());

  const auto failed = style.wait(tcp::connect_to_any({closed, closed_too}, never));
  REQUIRE_FALSE(failed);
  CHECK(failed.error() == std::errc::connection_refused);
  CHECK_THAT(failed.error().message(), contains(closed.to_string()));
  REQUIRE(failed.error().suppressed().size() == 1);
  CHECK_THAT(failed.error().suppressed().front().message(), contains(closed_too.to_string()));

  const auto none = style.wait(tcp::connect_to_any({}));
  REQUIRE_FALSE(none);
  CHECK_THROWS_AS(none.value(), std::invalid_argument);
  const auto unknown = style.wait(tcp::connect("localhost", "99999"));
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error() == std::errc::invalid_argument);
}

TEST_CASE("connect: a server that does not answer costs one delay", "[net][connect]") {
  servers all;
  all.world.partition(all.client, *all.hosts[0]);
  all.world.partition(all.client, *all.hosts[1]);
  const auto before = all.world.now();
  CHECK(all.peer() == all.endpoints[2]);
  CHECK(all.world.now() - before >= 500ms);
  CHECK(all.world.now() - before < 501ms);
}

TEST_CASE("connect: an attempt that is slow goes on beside the next one", "[net][connect]") {
  servers all;
  all.world.partition(all.client, *all.hosts[0]);
  all.world.partition(all.client, *all.hosts[1]);
  all.world.partition(all.client, *all.hosts[2]);
  all.world.after(10s, [&] { all.world.join(all.client, *all.hosts[0]); });
  CHECK(all.peer() == all.endpoints[0]);
}

TEST_CASE("connect: after a success the other attempts leave nothing behind", "[net][connect][property]") {
  servers all(GENERATE(range(0U, 200U)));
  // Any of them may answer first, and two at the same time.
  const tcp::connect_options at_once{.attempt_delay = loop_clock::duration(all.world.draws().among(3))};
  const auto peer = all.peer(at_once);
  REQUIRE(peer);
  CHECK(std::count(all.endpoints.begin(), all.endpoints.end(), *peer) == 1);
  all.world.run_for(1s);
}

TEST_CASE("connect: can be stopped while no server answers", "[net][connect]") {
  servers all;
  for (const sim::host* each : all.hosts) all.world.partition(all.client, *each);
  const auto before = all.world.now();
  const auto ended =
      all.world.run_on(all.client, as_result(with_timeout(tcp::connect_to_any(all.endpoints), 5s)));
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == std::errc::timed_out);
  CHECK(all.world.now() - before >= 5s);
}

TEST_CASE("connect: can be cancelled at each await", "[net][connect][cancellation]") {
  const auto program = []() -> task<> {
    const tcp::listener listening = tcp::listen_now(endpoint::loopback());
    std::vector<endpoint> both = {unused_endpoint(), listening.local_endpoint()};
    (void)co_await tcp::connect_to_any(std::move(both));
  };
  CHECK(every_cancellation_with_memory(program) >= 2);
}
