// Connections through partitions, power losses and injected resets.

#include <cerrno>
#include <chrono>
#include <string>

#include "braid/combine/with_timeout.hpp"
#include "catch.hpp"
#include "two_hosts.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

TEST_CASE("network: a partition holds bytes back until the hosts are joined", "[sim][network]") {
  two_hosts here({.least_latency = 10ms, .most_latency = 10ms});
  here.connect();
  CHECK(here.on(here.client, here.near.write_all("under way, ")) == 0);
  here.world.partition(here.client, here.server);
  here.world.run_for(1s);
  CHECK(here.on(here.client, here.near.write_all("then sent, ")) == 0);
  CHECK(here.on(here.client, here.near.shutdown_send()) == 0);
  CHECK(here.on(here.server, here.far.write_all("and back")) == 0);
  here.world.run_for(1min);
  here.world.join(here.client, here.server);
  const auto begun = here.elapsed();
  std::string got = room(22);
  CHECK(here.on(here.server, here.far.read_exactly(got)) == 0);
  CHECK(got == "under way, then sent, ");
  CHECK(here.on(here.server, here.far.read_some(got)) == 0);
  CHECK(here.on(here.client, here.near.read_some(got)) == 8);
  CHECK(here.elapsed() - begun == 10ms);
}

TEST_CASE("network: a partition also holds window updates back", "[sim][network]") {
  two_hosts here({.least_latency = 10ms, .most_latency = 10ms, .buffer_bytes = 100});
  here.connect();
  const std::string sent(300, 'x');
  const auto write = [&]() -> task<void> { co_await here.near.write_all(sent); };
  here.start_on(here.client, write());
  here.world.run_until_idle();
  here.world.partition(here.client, here.server);
  std::string got = room(100);
  CHECK(here.on(here.server, here.far.read_exactly(got)) == 0);
  CHECK(here.on(here.server, with_timeout(here.far.read_exactly(got), 1h)) == -ETIMEDOUT);
  here.world.join(here.client, here.server);
  const auto begun = here.elapsed();
  got = room(200);
  CHECK(here.on(here.server, here.far.read_exactly(got)) == 0);
  CHECK(here.elapsed() - begun == 40ms);
}

TEST_CASE("network: a sender without an answer gives up after a quarter of an hour", "[sim][network]") {
  two_hosts here({.least_latency = 10ms, .most_latency = 10ms});
  here.connect();
  bool crashed = false;
  SECTION("to a host that is down") {
    crashed = true;
    here.world.crash(here.server);
  }
  SECTION("through a partition") { here.world.partition(here.client, here.server); }
  const auto begun = here.elapsed();
  CHECK(here.on(here.client, here.near.write_all("hello")) == 0);
  std::string got = room(5);
  CHECK(here.on(here.client, here.near.read_some(got)) == -ETIMEDOUT);
  CHECK(here.elapsed() - begun == 15min);
  CHECK(here.on(here.client, here.near.read_some(got)) == 0);
  CHECK(here.on(here.client, here.near.write_some("x")) == -EPIPE);
  if (crashed) return;
  here.world.join(here.client, here.server);
  CHECK(here.on(here.server, here.far.write_all("x")) == 0);  // no host receives it
  CHECK(here.on(here.server, here.far.read_some(got)) == -ECONNRESET);
}

TEST_CASE("network: a host without power is silent, and answers with a reset once it is up",
          "[sim][network]") {
  two_hosts here({.least_latency = 10ms, .most_latency = 10ms});
  here.connect();
  here.world.crash(here.server);
  std::string got = room(5);
  CHECK(here.on(here.client, with_timeout(here.near.read_some(got), 24h)) == -ETIMEDOUT);
  const auto begun = here.elapsed();
  SECTION("once it is up again") {
    here.world.restart(here.server);
    CHECK(here.on(here.client, here.near.write_all("hello")) == 0);
    CHECK(here.on(here.client, here.near.read_some(got)) == -ECONNRESET);
    CHECK(here.elapsed() - begun == 20ms);
  }
  SECTION("while it is sent to") {
    CHECK(here.on(here.client, here.near.write_all("hello")) == 0);
    here.world.after(1min, [&] { here.world.restart(here.server); });
    CHECK(here.on(here.client, here.near.read_some(got)) == -ECONNRESET);
    CHECK(here.elapsed() - begun > 1min);
  }
  CHECK(here.on(here.client, here.near.write_all("hello")) == -EPIPE);
}

TEST_CASE("network: a sender that waits for room at a host gets a reset after the host's power loss",
          "[sim][network]") {
  two_hosts here({.least_latency = 1ms, .most_latency = 1ms, .buffer_bytes = 100});
  here.connect();
  here.fill(here.client, here.near);
  here.world.crash(here.server);
  here.world.after(1s, [&] { here.world.restart(here.server); });
  CHECK(here.on(here.client, here.near.write_all("more")) == -ECONNRESET);
}

TEST_CASE("network: bytes sent before a host's power loss still arrive", "[sim][network]") {
  two_hosts here({.least_latency = 10ms, .most_latency = 10ms});
  here.connect();
  CHECK(here.on(here.server, here.far.write_all("last")) == 0);
  here.world.crash(here.server);
  std::string got = room(4);
  CHECK(here.on(here.client, here.near.read_exactly(got)) == 0);
  CHECK(got == "last");
}

TEST_CASE("network: an injected reset breaks both ends", "[sim][network]") {
  two_hosts here({.least_latency = 10ms, .most_latency = 10ms});
  here.connect();
  here.world.faults().add({.what = sim::fault::reset, .nth = 1, .only = opcode::send});
  CHECK(here.on(here.client, here.near.write_all("x")) == -ECONNRESET);
  CHECK(here.on(here.client, here.near.write_all("x")) == -EPIPE);
  std::string got = room(4);
  CHECK(here.on(here.client, here.near.read_some(got)) == 0);
  CHECK(here.on(here.server, here.far.read_some(got)) == -ECONNRESET);
}
