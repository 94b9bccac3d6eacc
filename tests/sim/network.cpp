#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <utility>

#include "braid/net/resolve.hpp"
#include "braid/style/spawn.hpp"
#include "catch.hpp"
#include "two_hosts.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

// One host, and calls on its sockets that do not wait.
struct raw_sockets {
  int socket() { return calls.socket(AF_INET, SOCK_STREAM, 0); }
  int bind(int socket, const char* address, std::uint16_t at) {
    const endpoint to(address, at);
    return calls.bind(socket, to.data(), to.size());
  }
  int set(int socket, int level, int name) {
    const int on = 1;
    return calls.set_option(socket, level, name, &on, sizeof on);
  }
  std::string name(int socket) {
    sockaddr_storage found{};
    REQUIRE(calls.local_name(socket, found) == 0);
    return endpoint(found).to_string();
  }
  template <class S>
  int on(S&& op) {
    return value_or_errno(world.run(as_result(std::forward<S>(op))));
  }

  sim::world world{1};
  sim::host& host = world.add_host("host");
  direct_calls& calls = host.its_loop().operations().direct();
};

// Connects to a listener on the same host, and exchanges some bytes.
task<void> talk(std::string listens_at, std::string connects_to) {
  const tcp::listener listening = tcp::listen_now(endpoint(listens_at, 0), {.backlog = 1});
  const endpoint to(connects_to, listening.local_endpoint().port());
  auto accepting = spawn(listening.accept());
  const tcp::stream near = co_await tcp::connect(to);
  const tcp::stream far = co_await std::move(accepting);
  co_await near.write_all("abc");
  std::string got = room(3);
  co_await far.read_exactly(got);
  CHECK(got == "abc");
  CHECK(near.peer_endpoint() == to);
  CHECK(far.local_endpoint() == to);
  CHECK(near.local_endpoint() == far.peer_endpoint());
}

}  // namespace

TEST_CASE("network: bytes and ends go both ways between two hosts", "[sim][network]") {
  two_hosts here;
  here.connect();
  std::string got = room(5);
  CHECK(here.on(here.client, here.near.write_all("hello")) == 0);
  CHECK(here.on(here.server, here.far.read_exactly(got)) == 0);
  CHECK(got == "hello");
  CHECK(here.on(here.client, here.near.shutdown_send()) == 0);
  CHECK(here.on(here.server, here.far.read_some(got)) == 0);
  CHECK(here.on(here.client, here.near.write_some("x")) == -EPIPE);
  CHECK(here.on(here.server, here.far.write_all("after")) == 0);
  CHECK(here.on(here.client, here.near.read_exactly(got)) == 0);
  CHECK(got == "after");
  CHECK(here.on(here.server, here.far.close()) == 0);
  CHECK(here.on(here.client, here.near.read_some(got)) == 0);
  CHECK(here.on(here.client, here.near.close()) == 0);
}

TEST_CASE("network: a handshake is a round trip, and half of one more until it is accepted",
          "[sim][network]") {
  two_hosts here({.least_latency = 10ms, .most_latency = 10ms});
  loop_clock::duration connected{}, accepted{};
  here.listen();
  const auto accept = [&]() -> task<void> {
    here.far = co_await here.listening.accept();
    accepted = here.elapsed();
  };
  here.start_on(here.server, accept());
  here.near = here.world.run_on(here.client, tcp::connect(here.at_server()));
  connected = here.elapsed();
  here.world.run_until_idle();
  CHECK(connected == 20ms);
  CHECK(accepted == 30ms);
}

TEST_CASE("network: a round trip takes two latencies, exactly", "[sim][network]") {
  two_hosts here({.least_latency = 3ms, .most_latency = 3ms});
  here.connect();
  const auto begun = here.elapsed();
  const auto answer = [&]() -> task<void> {
    std::string got = room(4);
    co_await here.far.read_exactly(got);
    co_await here.far.write_all(got);
  };
  const auto ask = [&]() -> task<void> {
    std::string got = room(4);
    co_await here.near.write_all("ping");
    co_await here.near.read_exactly(got);
  };
  here.start_on(here.server, answer());
  here.world.run_on(here.client, ask());
  CHECK(here.elapsed() - begun == 6ms);
}

TEST_CASE("network: transfers within a host take no time", "[sim][network]") {
  sim::world world({.seed = 4, .network = {.least_latency = 1s, .most_latency = 1s}});
  for (const char* to : {"127.0.0.1", "10.0.0.1"}) {
    world.run(talk("0.0.0.0", to));
    world.run(talk(to, to));
  }
  world.run(talk("::", "::1"));
  world.run(talk("::1", "::1"));
  CHECK(world.now() == start_of_time);
}

TEST_CASE("network: resolves a host's name", "[sim][network]") {
  two_hosts here;
  const auto found = here.world.run_on(here.client, resolve("server", "80"));
  REQUIRE(found.size() == 1);
  CHECK(found.front() == here.at_server());
}

TEST_CASE("network: both ends know both endpoints", "[sim][network]") {
  two_hosts here;
  here.connect();
  const current_loop_scope there(&here.client.its_loop());
  CHECK(here.near.peer_endpoint() == here.at_server());
  const endpoint mine = here.near.local_endpoint();
  CHECK(mine.to_string().starts_with("10.0.0.1:"));
  CHECK(mine.port() >= 32768);
  const current_loop_scope elsewhere(&here.server.its_loop());
  CHECK(here.far.peer_endpoint() == mine);
  CHECK(here.far.local_endpoint() == here.at_server());
  CHECK(here.listening.local_endpoint() == everywhere);
  CHECK(describe(here.far.number()) == mine.to_string());
}

// ---- connecting -----------------------------------------------------------------------------------------

TEST_CASE("network: a connect without a listener is refused", "[sim][network]") {
  two_hosts here({.least_latency = 5ms, .most_latency = 5ms});
  CHECK(here.on(here.client, tcp::connect(here.at_server())) == -ECONNREFUSED);
  CHECK(here.elapsed() == 10ms);
  CHECK(here.on(here.client, tcp::connect(endpoint("127.0.0.1", 80))) == -ECONNREFUSED);
  // A listener on one address does not accept on another.
  const auto only_loopback =
      here.world.run_on(here.server, tcp::listen(endpoint("127.0.0.1", everywhere.port())));
  CHECK(here.on(here.client, tcp::connect(here.at_server())) == -ECONNREFUSED);
}

TEST_CASE("network: a connect to an unknown host fails", "[sim][network]") {
  two_hosts here;
  CHECK(here.on(here.client, tcp::connect(endpoint("10.0.0.77", 80))) == -EHOSTUNREACH);
  CHECK(here.on(here.client, tcp::connect(endpoint("192.0.2.1", 80))) == -ENETUNREACH);
  CHECK(here.on(here.client, tcp::connect(endpoint("2001:db8::1", 80))) == -ENETUNREACH);
}

TEST_CASE("network: a connect to a host that is down fails after 127 seconds", "[sim][network]") {
  two_hosts here({.least_latency = 10ms, .most_latency = 30ms});
  here.world.crash(here.server);
  CHECK(here.on(here.client, tcp::connect(here.at_server())) == -ETIMEDOUT);
  CHECK(here.elapsed() == 127s);
  here.world.restart(here.server);
  CHECK(here.on(here.client, tcp::connect(here.at_server())) == -ECONNREFUSED);
}

TEST_CASE("network: a connect succeeds if the host restarts meanwhile", "[sim][network]") {
  two_hosts here;
  here.world.crash(here.server);
  here.world.after(2s, [&] {
    here.world.restart(here.server);
    const current_loop_scope there(&here.server.its_loop());
    here.listening = tcp::listen_now(everywhere, {.backlog = 1});
  });
  CHECK(here.on(here.client, tcp::connect(here.at_server())) == 0);
  CHECK(here.elapsed() == 3s);  // the SYN is sent at 0, 1 and 3 s
}

TEST_CASE("network: a connect through a partition waits", "[sim][network]") {
  two_hosts here({.least_latency = 10ms, .most_latency = 10ms});
  here.listen();
  here.world.partition(here.client, here.server);
  SECTION("it fails after 127 seconds") {
    CHECK(here.on(here.client, tcp::connect(here.at_server())) == -ETIMEDOUT);
    CHECK(here.elapsed() == 127s);
    here.world.join(here.client, here.server);
    here.world.run_until_idle();
    CHECK(here.on(here.client, tcp::connect(here.at_server())) == 0);
  }
  SECTION("it goes on when the hosts are joined") {
    here.world.after(90s, [&] { here.world.join(here.client, here.server); });
    CHECK(here.on(here.client, tcp::connect(here.at_server())) == 0);
    CHECK(here.elapsed() == 90s + 20ms);
  }
  SECTION("the partition begins between question and answer") {
    here.world.join(here.client, here.server);
    here.world.after(15ms, [&] { here.world.partition(here.client, here.server); });
    CHECK(here.on(here.client, tcp::connect(here.at_server())) == -ETIMEDOUT);
    CHECK(here.elapsed() == 127s);
    here.world.join(here.client, here.server);
    CHECK(here.on(here.client, tcp::connect(here.at_server())) == 0);
  }
}

TEST_CASE("network: a connect repeats its request if the server crashes within the handshake",
          "[sim][network]") {
  two_hosts here({.least_latency = 10ms, .most_latency = 10ms});
  here.listen();
  here.world.after(15ms, [&] { here.world.crash(here.server); });
  SECTION("and stays away") {
    CHECK(here.on(here.client, tcp::connect(here.at_server())) == -ETIMEDOUT);
    CHECK(here.elapsed() == 127s);
  }
  SECTION("and comes back without a listener") {
    here.world.after(20s, [&] { here.world.restart(here.server); });
    CHECK(here.on(here.client, tcp::connect(here.at_server())) == -ECONNREFUSED);
  }
}

TEST_CASE("network: a connect waits for a full backlog", "[sim][network]") {
  two_hosts here;
  here.listen(1);
  CHECK(here.on(here.client, tcp::connect(here.at_server())) == 0);
  CHECK(here.on(here.client, tcp::connect(here.at_server())) == 0);  // one more than the backlog, as on Linux
  SECTION("until the server accepts") {
    here.world.after(5s, [&] { here.start_on(here.server, here.take_one()); });
    CHECK(here.on(here.client, tcp::connect(here.at_server())) == 0);
    CHECK(here.elapsed() == 7s);  // the SYN is sent at 0, 1, 3 and 7 s
  }
  SECTION("or 127 seconds") {
    CHECK(here.on(here.client, tcp::connect(here.at_server())) == -ETIMEDOUT);
    CHECK(here.elapsed() == 127s);
  }
}

TEST_CASE("network: a client that crashes within the handshake frees its place in the backlog",
          "[sim][network]") {
  two_hosts here({.least_latency = 10ms, .most_latency = 10ms});
  here.listen(0);
  here.world.after(25ms, [&] { here.world.partition(here.client, here.server); });
  CHECK(here.on(here.client, tcp::connect(here.at_server())) == 0);
  SECTION("with its answer under way") { here.world.run_for(7ms); }
  SECTION("with its answer held back") { here.world.run_for(15ms); }
  here.world.crash(here.client);
  here.world.restart(here.client);
  here.world.run_for(10ms);
  here.world.join(here.client, here.server);
  const auto begun = here.elapsed();
  CHECK(here.on(here.client, tcp::connect(here.at_server())) == 0);
  CHECK(here.elapsed() - begun == 20ms);
  here.far = here.world.run_on(here.server, here.listening.accept());
  CHECK(here.on(here.server, with_timeout(here.listening.accept(), 1s)) == -ETIMEDOUT);
}

TEST_CASE("network: a connect that is cancelled leaves nothing behind", "[sim][network]") {
  two_hosts here({.least_latency = 10ms, .most_latency = 10ms});
  here.listen();
  CHECK(here.on(here.client, with_timeout(tcp::connect(here.at_server()), 5ms)) == -ETIMEDOUT);
  here.world.run_until_idle();
  CHECK(here.on(here.server, with_timeout(here.listening.accept(), 1s)) == -ETIMEDOUT);
}

// ---- the calls that do not wait -------------------------------------------------------------------------

TEST_CASE("network: bind and listen check their arguments", "[sim][network]") {
  raw_sockets here;
  const int one = here.socket(), other = here.socket();
  CHECK(here.bind(one, "8.8.8.8", 0) == -EADDRNOTAVAIL);
  CHECK(here.bind(one, "10.0.0.2", 0) == -EADDRNOTAVAIL);
  CHECK(here.bind(one, "::1", 0) == -EAFNOSUPPORT);
  CHECK(here.bind(one, "127.0.0.1", 700) == 0);
  CHECK(here.bind(one, "127.0.0.1", 701) == -EINVAL);
  CHECK(here.name(one) == "127.0.0.1:700");
  CHECK(here.bind(other, "127.0.0.1", 700) == -EADDRINUSE);
  CHECK(here.bind(other, "0.0.0.0", 700) == -EADDRINUSE);
  CHECK(here.name(other) == "0.0.0.0:0");

  // Both share the port until one of them listens.
  CHECK(here.set(one, SOL_SOCKET, SO_REUSEADDR) == 0);
  CHECK(here.set(other, SOL_SOCKET, SO_REUSEADDR) == 0);
  CHECK(here.bind(other, "0.0.0.0", 700) == 0);
  CHECK(here.calls.listen(one, 5) == 0);
  CHECK(here.calls.listen(one, 6) == 0);
  CHECK(here.calls.listen(other, 5) == -EADDRINUSE);
  const int third = here.socket();
  CHECK(here.set(third, SOL_SOCKET, SO_REUSEADDR) == 0);
  CHECK(here.bind(third, "127.0.0.1", 700) == -EADDRINUSE);
  CHECK(here.bind(third, "10.0.0.1", 700) == 0);
  CHECK(here.calls.close(one) == 0);
  CHECK(here.calls.close(third) == 0);
  CHECK(here.calls.listen(other, 5) == 0);

  // The system chooses the port, each time another one.
  const int unbound = here.socket(), zero = here.socket();
  CHECK(here.calls.listen(unbound, 5) == 0);
  CHECK(here.bind(zero, "0.0.0.0", 0) == 0);
  CHECK(here.name(unbound) == "0.0.0.0:32768");
  CHECK(here.name(zero) == "0.0.0.0:32769");
}

TEST_CASE("network: refuses unknown sockets and options", "[sim][network]") {
  raw_sockets here;
  CHECK(here.calls.socket(AF_UNIX, SOCK_STREAM, 0) == -EOPNOTSUPP);
  CHECK(here.calls.socket(AF_INET, SOCK_SEQPACKET, 0) == -ESOCKTNOSUPPORT);
  CHECK(here.calls.socket(AF_INET, SOCK_STREAM, IPPROTO_UDP) == -EPROTONOSUPPORT);
  const int one = here.socket();
  for (const int known : {SO_REUSEADDR, SO_KEEPALIVE, SO_SNDBUF, SO_RCVBUF})
    CHECK(here.set(one, SOL_SOCKET, known) == 0);
  CHECK(here.set(one, IPPROTO_TCP, TCP_NODELAY) == 0);
  CHECK(here.set(one, SOL_SOCKET, 9999) == -ENOPROTOOPT);
  CHECK(here.set(one, IPPROTO_TCP, 9999) == -ENOPROTOOPT);
  CHECK(here.set(one, SOL_SOCKET, SO_LINGER) == -EINVAL);  // its option is a struct, not an int
  sockaddr_storage name{};
  CHECK(here.calls.peer_name(one, name) == -ENOTCONN);
  CHECK(here.calls.close(one) == 0);
  CHECK(here.calls.close(one) == -EBADF);
}

TEST_CASE("network: unconnected and listening sockets refuse transfers", "[sim][network]") {
  raw_sockets here;
  const auto stream = tcp::stream::from_descriptor(here.socket());
  const auto deaf = tcp::listener::from_descriptor(stream.number());
  std::string got = room(4);
  CHECK(here.on(stream.read_some(got)) == -ENOTCONN);
  CHECK(here.on(stream.write_some("x")) == -EPIPE);
  CHECK(here.on(stream.shutdown_send()) == -ENOTCONN);
  CHECK(here.on(deaf.accept()) == -EINVAL);
  CHECK(here.on(ready(stream.number())) == (POLLOUT | POLLHUP));
  CHECK(here.calls.listen(stream.number(), 1) == 0);
  CHECK(here.on(stream.read_some(got)) == -ENOTCONN);
  CHECK(here.on(stream.write_some("x")) == -EPIPE);
  CHECK(here.on(stream.shutdown_send()) == 0);
  CHECK(here.on(connect_raw(stream.number(), endpoint("127.0.0.1", 9))) == -EISCONN);
  CHECK(here.on(with_timeout(ready(stream.number()), 1s)) == -ETIMEDOUT);
  CHECK(here.on(shut(stream.number(), SHUT_RD)) == 0);
  CHECK(here.on(deaf.accept()) == -EINVAL);
  CHECK(here.on(connect_raw(stream.number(), endpoint("127.0.0.1", 9))) == -ECONNREFUSED);
  CHECK(here.on(connect_raw(stream.number(), endpoint("::1", 9))) == -EAFNOSUPPORT);
}

TEST_CASE("network: a connected socket refuses connect, bind and listen", "[sim][network]") {
  two_hosts here;
  here.connect();
  CHECK(here.on(here.client, connect_raw(here.near.number(), here.at_server())) == -EISCONN);
  const current_loop_scope there(&here.client.its_loop());
  const endpoint any;
  CHECK(direct_calls::current().bind(here.near.number(), any.data(), any.size()) == -EINVAL);
  CHECK(direct_calls::current().listen(here.near.number(), 1) == -EINVAL);
}

TEST_CASE("network: a recently used port can be bound again only with SO_REUSEADDR", "[sim][network]") {
  two_hosts here;
  here.connect();
  here.world.run_on(here.server, here.far.close());  // closes first, so this end remembers the connection
  here.world.run_on(here.client, here.near.close());
  here.world.run_on(here.server, here.listening.close());
  here.world.run_until_idle();
  const current_loop_scope there(&here.server.its_loop());
  direct_calls& calls = direct_calls::current();
  const int one = calls.socket(AF_INET, SOCK_STREAM, 0);
  CHECK(calls.bind(one, everywhere.data(), everywhere.size()) == -EADDRINUSE);
  CHECK_NOTHROW(tcp::listen_now(everywhere, {.backlog = 1}));  // with SO_REUSEADDR
  here.world.run_for(60s);
  const current_loop_scope again(&here.server.its_loop());
  CHECK(calls.bind(one, everywhere.data(), everywhere.size()) == 0);
}
