// UDP in a world: which datagrams arrive, when and where, and which are lost.

#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "braid/net/udp.hpp"
#include "braid/style/run.hpp"
#include "catch.hpp"
#include "sim/two_sockets.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

using texts = std::vector<std::string>;

TEST_CASE("datagrams: a datagram arrives after the latency, with its sender", "[sim][datagrams]") {
  two_sockets here({.least_latency = 3ms, .most_latency = 3ms});
  CHECK(here.send("hello") == 0);
  CHECK(here.elapsed() == 0s);
  std::string text = room(16);
  const auto got = here.world.run_on(here.server, here.server_end.receive_from(text));
  CHECK(here.elapsed() == 3ms);
  CHECK(text.substr(0, got.size) == "hello");
  CHECK(got.from == endpoint(here.client.address(), here.client_endpoint().port()));
  // And the way back.
  REQUIRE(here.on(here.server, here.server_end.send_to("yes", got.from)) == 0);
  CHECK(here.world.run_on(here.client, here.client_end.receive(text)).from == here.at_server());
}

TEST_CASE("datagrams: keep their boundaries; an empty one arrives, and a cut one says so",
          "[sim][datagrams]") {
  two_sockets here;
  for (const char* text : {"", "longer", "ok"}) REQUIRE(here.send(text) == 0);
  std::string text = room(4);
  auto got = here.world.run_on(here.server, here.server_end.receive_from(text));
  CHECK((got.size == 0 && !got.truncated));
  got = here.world.run_on(here.server, here.server_end.receive_from(text));
  CHECK((got.size == 4 && got.truncated));
  CHECK(text == "long");
  got = here.world.run_on(here.server, here.server_end.receive_from(text));
  CHECK((got.size == 2 && !got.truncated));
}

TEST_CASE("datagrams: work within a host, with both address families", "[sim][datagrams]") {
  sim::world world(1);
  sim::host& host = world.add_host("one");
  for (const char* address : {"127.0.0.1", "::1", "10.0.0.1"}) {
    const auto far = world.run_on(host, udp::bind(endpoint(address, 7)));
    const auto near = world.run_on(host, udp::connect(endpoint(address, 7)));
    world.run_on(host, near.send("hello"));
    std::string text = room(8);
    const auto got = world.run_on(host, far.receive_from(text));
    CHECK(got.size == 5);
    CHECK(got.from.to_string().find(address) != std::string::npos);
  }
}

TEST_CASE("datagrams: overtake each other only if the latency is random", "[sim][datagrams]") {
  int in_order = 0, overtaken = 0;
  for (std::uint64_t seed = 0; seed != 50; ++seed) {
    two_sockets drawn({.least_latency = 1ms, .most_latency = 2ms}, seed);
    drawn.send("1"), drawn.send("2");
    const texts got = drawn.received_until_idle();
    CHECK(got.size() == 2);
    (got == texts{"1", "2"} ? in_order : overtaken) += 1;
    two_sockets fixed({.least_latency = 1ms, .most_latency = 1ms}, seed);
    for (const char* text : {"1", "2", "3"}) fixed.send(text);
    CHECK(fixed.received_until_idle() == texts{"1", "2", "3"});
  }
  CHECK(in_order > 10);
  CHECK(overtaken > 10);
}

TEST_CASE("datagrams: a partition drops datagrams without an error", "[sim][datagrams]") {
  two_sockets here({.least_latency = 1ms, .most_latency = 1ms});
  here.send("under way");
  here.world.partition(here.client, here.server);
  CHECK(here.send("apart") == 0);
  here.world.run_for(1s);
  here.world.join(here.client, here.server);
  here.send("joined");
  CHECK(here.received_until_idle() == texts{"joined"});
}

TEST_CASE("datagrams: a host that is down does not answer; after its restart it refuses",
          "[sim][datagrams]") {
  two_sockets here;
  here.connect_client();
  here.send("unread");
  here.world.run_until_idle();
  here.world.crash(here.server);
  CHECK(here.on(here.client, here.client_end.send("into the dark")) == 0);
  std::string text = room(8);
  CHECK(here.on(here.client, with_timeout(here.client_end.receive(text), 1s)) == -ETIMEDOUT);
  here.world.restart(here.server);
  CHECK(here.on(here.client, here.client_end.send("anybody?")) == 0);
  CHECK(here.on(here.client, here.client_end.receive(text)) == -ECONNREFUSED);
  // The port is free again, and unread datagrams are gone.
  here.bind_server();
  CHECK(here.received_until_idle().empty());
}

TEST_CASE("datagrams: a datagram sent before a crash arrives", "[sim][datagrams]") {
  two_sockets here({.least_latency = 1ms, .most_latency = 1ms});
  here.send("testament");
  here.world.crash(here.client);
  CHECK(here.received_until_idle() == texts{"testament"});
}

TEST_CASE("datagrams: a connected socket gets one error for an unused peer port, an unconnected one none",
          "[sim][datagrams]") {
  two_sockets here({.least_latency = 1ms, .most_latency = 1ms});
  here.world.run_on(here.server, here.server_end.close());
  std::string text = room(8);
  REQUIRE(here.send("anybody?") == 0);
  CHECK(here.on(here.client, with_timeout(here.client_end.receive_from(text), 1s)) == -ETIMEDOUT);
  here.connect_client();
  REQUIRE(here.on(here.client, here.client_end.send("anybody?")) == 0);
  CHECK(here.on(here.client, here.client_end.receive(text)) == -ECONNREFUSED);
  CHECK(here.on(here.client, with_timeout(here.client_end.receive(text), 1s)) == -ETIMEDOUT);
  // The next operation reports it, even if it is a send.
  REQUIRE(here.on(here.client, here.client_end.send("anybody?")) == 0);
  here.world.run_until_idle();
  CHECK(here.on(here.client, here.client_end.send("anybody?")) == -ECONNREFUSED);
  CHECK(here.on(here.client, here.client_end.send("anybody?")) == 0);
}

TEST_CASE("datagrams: a socket's buffer has a limit", "[sim][datagrams]") {
  two_sockets here({.buffer_bytes = 1024});
  for (int n = 0; n < 10; ++n) here.send(std::string(512, static_cast<char>('0' + n)));
  CHECK(here.received_until_idle() == texts{std::string(512, '0'), std::string(512, '1')});
  for (int n = 0; n < 10; ++n) here.send("");  // small datagrams count, too
  CHECK(here.received_until_idle().size() == 4);
}

TEST_CASE("datagrams: leave at the link's speed, and a long queue drops some", "[sim][datagrams]") {
  two_sockets here({.bytes_per_second = 1000, .buffer_bytes = 1000});
  std::string text = room(1000);
  here.send(text);
  (void)here.world.run_on(here.server, here.server_end.receive_from(text));
  CHECK(here.elapsed() == 1s);
  for (int n = 0; n < 10; ++n) here.send(text);
  CHECK(here.received_until_idle().size() == 1);
}

TEST_CASE(
    "datagrams: a connected socket receives only from its peer, and another socket on the port the rest",
    "[sim][datagrams]") {
  two_sockets here;
  const auto shares = [&](udp::socket& which) {
    const current_loop_scope there(&here.server.its_loop());
    const int made = direct_calls::current().socket(AF_INET, SOCK_DGRAM, 0);
    const int on = 1;
    REQUIRE(direct_calls::current().set_option(made, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0);
    const endpoint at(here.server.address(), 90);
    REQUIRE(direct_calls::current().bind(made, at.data(), at.size()) == 0);
    which = udp::socket::from_descriptor(made);
  };
  udp::socket general, particular;
  shares(particular);
  shares(general);
  {
    const current_loop_scope there(&here.server.its_loop());
    const endpoint client(here.client.address(), here.client_endpoint().port());
    REQUIRE(direct_calls::current().connect(particular.number(), client.data(), client.size()) == 0);
  }
  const udp::socket stranger = here.world.run_on(here.client, udp::bind(endpoint("0.0.0.0", 0)));
  const endpoint there(here.server.address(), 90);
  here.world.run_on(here.client, here.client_end.send_to("peer", there));
  here.world.run_on(here.client, stranger.send_to("stranger", there));
  CHECK(here.received_until_idle(particular) == texts{"peer"});
  CHECK(here.received_until_idle(general) == texts{"stranger"});
}

TEST_CASE("datagrams: a port can be bound once, apart from TCP's ports", "[sim][datagrams]") {
  two_sockets here;
  CHECK(here.on(here.server, udp::bind(everywhere)) == -EADDRINUSE);
  CHECK(here.on(here.server, udp::bind(endpoint("10.0.0.9", 80))) == -EADDRNOTAVAIL);
  const auto listening = here.world.run_on(here.server, tcp::listen(everywhere));
  const auto one = here.world.run_on(here.client, udp::connect(here.at_server()));
  const current_loop_scope there(&here.client.its_loop());
  CHECK(one.local_endpoint().port() != here.client_endpoint().port());
  CHECK(one.peer_endpoint() == here.at_server());
  CHECK(one.local_endpoint() == endpoint(here.client.address(), one.local_endpoint().port()));
}

TEST_CASE("datagrams: a cancelled receive takes none, and a close cancels waiting receives",
          "[sim][datagrams]") {
  two_sockets here;
  std::string text = room(8);
  CHECK(here.on(here.server, with_timeout(here.server_end.receive_from(text), 1s)) == -ETIMEDOUT);
  here.send("still");
  CHECK(here.received_until_idle() == texts{"still"});
  int ended = 0;
  const auto waits = [&]() -> task<void> {
    const auto got = co_await as_result(here.server_end.receive_from(text));
    ended = value_or_errno(got);
  };
  here.start_on(here.server, waits);
  here.world.run_until_idle();
  here.world.run_on(here.server, here.server_end.close());
  CHECK(ended == -ECANCELED);
}

// What goes wrong, as the errno of each: the same on a kernel and in a world.
template <class Wait>
std::vector<int> mishaps(Wait wait) {
  const endpoint somewhere = endpoint::loopback();
  const auto one = wait(udp::bind(somewhere)).value();
  const auto name_of = [&](const udp::socket& which) {
    return wait(just_from([&which] { return which.local_endpoint(); })).value();
  };
  const endpoint unused = [&] {
    auto gone = wait(udp::bind(somewhere)).value();
    const endpoint its = name_of(gone);
    wait(gone.close()).value();
    return its;
  }();
  const auto other = wait(udp::connect(unused)).value();
  const std::string longest(65'507, 'x'), too_long(65'508, 'x');
  std::array<char, 8> text{};
  const auto errno_of = [&](auto op) { return value_or_errno(wait(std::move(op))); };
  return {
      errno_of(one.send("x")),
      errno_of(one.send_to("x", somewhere)),
      errno_of(one.send_to("x", endpoint("::1", 9))),
      errno_of(one.send_to(too_long, unused)),
      errno_of(one.send_to(longest, unused)),
      errno_of(one.send_to("x", name_of(one))),
      errno_of(one.receive(text)),
      errno_of(other.send_to("x", name_of(one))),
      errno_of(one.receive(text)),
      errno_of(other.send("x")),
      errno_of(other.receive(text)),
      errno_of(other.send(too_long)),
      errno_of(udp::bind(name_of(one))),
      errno_of(udp::bind(endpoint("192.0.2.1", 0))),
      errno_of(just_from([&one] { return one.peer_endpoint(); })),
  };
}

TEST_CASE("datagrams: fail like the kernel's", "[sim][datagrams][kernel]") {
  const auto on_kernel = [] {
    loop here;
    return mishaps([](auto op) { return run(as_result(std::move(op))); });
  }();
  sim::world world(1);
  sim::host& host = world.add_host("one");
  const auto in_world = mishaps([&](auto op) { return world.run_on(host, as_result(std::move(op))); });
  CHECK(in_world == on_kernel);
  CHECK(on_kernel.at(0) == -EDESTADDRREQ);
}

}  // namespace
