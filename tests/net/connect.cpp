#include "braid/net/connect.hpp"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "braid/combine/with_timeout.hpp"
#include "braid/net/detail/families_in_turn.hpp"
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

std::vector<std::string> names_of(const std::vector<endpoint>& all) {
  std::vector<std::string> names;
  for (const endpoint& each : all) names.push_back(each.to_string());
  return names;
}

// A socket of which connect(2) has returned although the request for the connection leaves with its first
// data. It needs no earlier connection, as it has no cookie. Closed where the system has no such thing.
tcp::stream deferred_connection(const endpoint& to) {
  const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
  tcp::stream client = tcp::stream::from_descriptor(made);
  const bool is_had = ::setsockopt(made, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof on) == 0 &&
                      ::setsockopt(made, IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, &on, sizeof on) == 0;
  if (!is_had) return {};
  REQUIRE(::connect(made, to.data(), to.size()) == 0);
  return client;
}

// The client speaks first.
task<std::string> asks_for_echo(const tcp::stream& near, const tcp::listener& door) {
  std::string question = "question", answer(question.size(), '?');
  co_await near.write_all(question);
  const tcp::stream far = co_await door.accept();
  co_await far.read_exactly(answer);
  co_await far.write_all(answer);
  answer.assign(question.size(), '?');
  co_await near.read_exactly(answer);
  co_return answer;
}

}  // namespace

TEST_CASE("connect: the families of a host's endpoints are tried in turn, each in its order",
          "[net][connect]") {
  const auto in_turn = [](std::vector<endpoint> all) { return names_of(tcp::detail::families_in_turn(all)); };
  const endpoint v6_1("2001:db8::1", 80), v6_2("2001:db8::2", 80), v6_3("2001:db8::3", 80);
  const endpoint v4_1("192.0.2.1", 80), v4_2("192.0.2.2", 80), v4_3("192.0.2.3", 80);
  CHECK(in_turn({v6_1, v6_2, v6_3, v4_1, v4_2}) == names_of({v6_1, v4_1, v6_2, v4_2, v6_3}));
  CHECK(in_turn({v4_2, v6_2, v4_1, v4_3, v6_1}) == names_of({v4_2, v6_2, v4_1, v6_1, v4_3}));
  CHECK(in_turn({v6_1, v4_1, v4_2, v4_3}) == names_of({v6_1, v4_1, v4_2, v4_3}));
  CHECK(in_turn({v6_3, v6_1, v6_2}) == names_of({v6_3, v6_1, v6_2}));
  CHECK(in_turn({v4_1}) == names_of({v4_1}));
  CHECK(in_turn({}).empty());
}

TEST_CASE("connect: attempts are made in that order, which the errors tell", "[net][connect]") {
  loop here;
  const auto port = [] { return unused_endpoint().port(); };
  // Whether the machine has IPv6 or not, each of them fails.
  const std::vector<endpoint> found = {endpoint("::1", port()), endpoint("::1", port()),
                                       endpoint("::1", port()), endpoint("127.0.0.1", port()),
                                       endpoint("127.0.0.1", port())};
  const std::vector<endpoint> order = tcp::detail::families_in_turn(found);
  CHECK(names_of(order) == names_of({found[0], found[3], found[1], found[4], found[2]}));
  const auto failed = here.run(as_result(tcp::connect_to_any(order, {.attempt_delay = 1h})));
  REQUIRE_FALSE(failed);
  CHECK_THAT(failed.error().message(), contains(order[0].to_string()));
  REQUIRE(failed.error().suppressed().size() == 4);
  for (std::size_t i = 1; i < order.size(); ++i)
    CHECK_THAT(failed.error().suppressed()[i - 1].message(), contains(order[i].to_string()));
}

TEST_CASE("connect: with fast_open it connects as ever where the server gave no leave", "[net][connect]") {
  IN_EVERY_STYLE(style);
  loop here;
  const tcp::connect_options fast{.fast_open = true};
  const tcp::listener door = tcp::listen_now(endpoint::loopback(), {.fast_open = 16});
  for (int i = 0; i < 3; ++i) {  // where it is allowed, the first one brings the leave for the others
    const auto near = style.wait(tcp::connect_to_any({door.local_endpoint()}, fast));
    REQUIRE(near);
    CHECK(style.wait(asks_for_echo(*near, door)).value() == "question");
    CHECK(near->peer_endpoint() == door.local_endpoint());
  }
  sim::world world(1);
  const auto in_world = []() -> task<std::string> {
    const tcp::listener there = tcp::listen_now(endpoint::loopback());
    std::vector<endpoint> only = {there.local_endpoint()};
    const tcp::connect_options how{.fast_open = true};
    const tcp::stream near = co_await tcp::connect_to_any(std::move(only), how);
    co_return co_await asks_for_echo(near, there);
  };
  CHECK(world.run(in_world()) == "question");
}

TEST_CASE("connect: a connection that begins with its first write is written to as any other",
          "[net][connect]") {
  IN_EVERY_STYLE(style);
  loop here;
  const tcp::listener door = tcp::listen_now(endpoint::loopback());
  const tcp::stream near = deferred_connection(door.local_endpoint());
  if (!near.is_open()) return;
  CHECK(style.wait(asks_for_echo(near, door)).value() == "question");

  const tcp::stream refused = deferred_connection(unused_endpoint());
  const auto written = style.wait(refused.write_all("question"));
  std::string room(1, '?');
  // The write takes its bytes along, or waits and learns the answer.
  const auto ended = written ? style.wait(refused.read_some(room)).error() : written.error();
  CHECK(ended == std::errc::connection_refused);
}

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
