// Datagrams that are lost, duplicated and delayed on demand.

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "braid/sim/explore.hpp"
#include "catch.hpp"
#include "sim/two_sockets.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;
using sim::fault;

namespace {

using texts = std::vector<std::string>;

TEST_CASE("datagram faults: a lost datagram is no error for its sender", "[sim][datagrams]") {
  two_sockets here;
  here.world.faults().add({.what = fault::lost, .nth = 2});
  for (const char* text : {"1", "2", "3"}) CHECK(here.send(text) == 0);
  CHECK(here.received_until_idle() == texts{"1", "3"});
  CHECK(here.world.faults().happened() == 1);
}

TEST_CASE("datagram faults: a duplicated datagram arrives twice, at two times if the latency is random",
          "[sim][datagrams]") {
  two_sockets here({.least_latency = 1ms, .most_latency = 1s});
  here.world.faults().add({.what = fault::duplicated, .nth = 1});
  CHECK(here.send("1") == 0);
  std::string text = room(8);
  (void)here.world.run_on(here.server, here.server_end.receive_from(text));
  const auto first = here.elapsed();
  (void)here.world.run_on(here.server, here.server_end.receive_from(text));
  CHECK(here.elapsed() > first);
  CHECK(here.received_until_idle().empty());
}

TEST_CASE("datagram faults: a delayed datagram arrives after others, and its sender does not wait",
          "[sim][datagrams]") {
  two_sockets here;
  here.world.faults().add({.what = fault::delayed, .nth = 1, .delay = 1s});
  for (const char* text : {"1", "2", "3"}) CHECK(here.send(text) == 0);
  CHECK(here.elapsed() == 0s);
  CHECK(here.received_until_idle() == texts{"2", "3", "1"});
}

TEST_CASE("datagram faults: hit the datagrams of one host, and no stream", "[sim][datagrams]") {
  two_sockets here;
  here.world.faults().add({.what = fault::lost, .probability = 1, .host = "server"});
  CHECK(here.send("1") == 0);
  CHECK(here.received_until_idle() == texts{"1"});
  REQUIRE(here.on(here.server, here.server_end.send_to("2", here.client_endpoint())) == 0);
  here.world.run_until_idle();
  here.connect();
  std::string text = room(5);
  here.start_on(here.server, here.far.write_all("hello"));
  CHECK(here.on(here.client, here.near.read_exactly(text)) == 0);
  CHECK(text == "hello");
  CHECK(here.world.faults().happened() == 1);
}

TEST_CASE("datagram faults: a failed send loses no later datagram", "[sim][datagrams]") {
  two_sockets here;
  here.world.faults().add({.what = fault::lost, .nth = 1});
  CHECK(here.send(std::string(70'000, 'x')) == -EMSGSIZE);
  CHECK(here.send("1") == 0);
  CHECK(here.received_until_idle() == texts{"1"});
}

TEST_CASE("datagram faults: the other faults of requests hit datagrams, too", "[sim][datagrams]") {
  two_sockets here;
  sim::fault_schedule& faults = here.world.faults();
  faults.add({.what = fault::no_buffers, .nth = 1, .only = opcode::send_message});
  faults.add({.what = fault::no_buffers, .nth = 1, .only = opcode::receive_message});
  CHECK(here.send("1") == -ENOBUFS);
  std::string text = room(8);
  CHECK(here.on(here.server, here.server_end.receive_from(text)) == -ENOBUFS);
  CHECK(faults.happened() == 2);
  faults.clear();
  for (const opcode code : {opcode::send_message, opcode::receive_message})
    for (std::uint64_t nth = 1; const fault mild : {fault::interrupted, fault::would_block, fault::late})
      faults.add({.what = mild, .nth = nth++, .only = code});
  for (const char* sent : {"1", "2", "3", "4", "5"}) CHECK(here.send(sent) == 0);
  CHECK(here.received_until_idle() == texts{"1", "2", "3", "4", "5"});
  CHECK(faults.happened() == 2 + 6);
}

TEST_CASE("datagram faults: the same seed gives the same run", "[sim][datagrams]") {
  const auto hash_of = [](std::uint64_t seed) {
    two_sockets here({.least_latency = 1ms, .most_latency = 9ms}, seed);
    for (const fault what : {fault::lost, fault::duplicated, fault::delayed})
      here.world.faults().add({.what = what, .probability = 0.2});
    for (int n = 0; n != 20; ++n) here.send(std::to_string(n));
    (void)here.received_until_idle();
    return here.world.trace_hash();
  };
  std::set<std::uint64_t> all;
  for (std::uint64_t seed = 0; seed != 20; ++seed) {
    CHECK(hash_of(seed) == hash_of(seed));
    all.insert(hash_of(seed));
  }
  CHECK(all.size() == 20);
}

TEST_CASE("datagram faults: exhaust tries every fate of a datagram", "[sim][datagrams]") {
  std::set<texts> seen;
  sim::exhaust([&](sim::world& world) {
    sim::host& host = world.add_host("one");
    const auto far = world.run_on(host, udp::bind(endpoint::loopback(7)));
    const auto near = world.run_on(host, udp::connect(endpoint::loopback(7)));
    world.faults().add({.what = fault::lost, .probability = 0.5});
    world.faults().add({.what = fault::duplicated, .probability = 0.5});
    for (const char* text : {"1", "2"}) world.run_on(host, near.send(text));
    world.run_until_idle();
    texts all;
    for (std::string text = room(8);;) {
      auto got = world.run_on(host, as_result(with_timeout(far.receive_from(text), 1s)));
      if (!got) break;
      all.push_back(text.substr(0, got->size));
    }
    seen.insert(all);
  });
  CHECK(seen == std::set<texts>{{},
                                {"1"},
                                {"2"},
                                {"1", "1"},
                                {"2", "2"},
                                {"1", "2"},
                                {"1", "1", "2"},
                                {"1", "2", "2"},
                                {"1", "1", "2", "2"}});
}

}  // namespace
