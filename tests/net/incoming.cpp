#include "braid/net/incoming.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/loop/nop.hpp"
#include "braid/net/tcp.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/spawn.hpp"
#include "catch.hpp"
#include "child_process.hpp"
#include "descriptors.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;

namespace {

tcp::listener listening_on_loopback() { return tcp::listen_now(endpoint::loopback()); }

// Connections that wait in the listener's backlog.
std::vector<tcp::stream> connections_to(const tcp::listener& at, std::size_t how_many) {
  std::vector<tcp::stream> made;
  while (made.size() != how_many) made.push_back(run(tcp::connect(at.local_endpoint())));
  return made;
}

// Turns the loop until it has taken what fits from the backlog, and closed what was dropped.
void turn_until_idle(loop& here) {
  for (int turns = 0; turns < 10; ++turns) here.run(nop());
}

void check_pair(const tcp::stream& client, const tcp::stream& server) {
  CHECK(client.local_endpoint() == server.peer_endpoint());
}

}  // namespace

TEST_CASE("accept: the one behind a cancelled one gets the connection", "[net][incoming][stop]") {
  loop here;
  const tcp::listener listening = listening_on_loopback();
  const bool many = GENERATE(false, true);
  std::optional<tcp::incoming> first(listening.incoming());
  auto cancelled = many ? spawn(first->next()) : spawn(listening.accept());
  turn_until_idle(here);  // it waits in the kernel
  cancelled.request_stop();
  first.reset();
  tcp::incoming second = listening.incoming();  // all that follows is submitted at once
  const auto [server, client] = here.run(when_all(many ? spawn(second.next()) : spawn(listening.accept()),
                                                  tcp::connect(listening.local_endpoint())));
  check_pair(client, server);
  CHECK_FALSE(here.run(as_result(std::move(cancelled))));
}

TEST_CASE("incoming: gives each connection in order", "[net][incoming]") {
  IN_EVERY_STYLE(style);
  const auto before = open_descriptors();
  {
    loop here;
    const tcp::listener listening = listening_on_loopback();
    tcp::incoming arriving = listening.incoming();
    for (int round = 0; round < 3; ++round) {
      const auto clients = connections_to(listening, 3);
      for (const tcp::stream& client : clients) {
        const auto server = style.wait(arriving.next());
        REQUIRE(server);
        check_pair(client, *server);
      }
    }
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("incoming: a waiting next gets the connection that arrives", "[net][incoming]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  loop here;
  const tcp::listener listening = listening_on_loopback();
  tcp::incoming arriving = listening.incoming();
  auto both = style.wait(when_all(arriving.next(), arriving.next(), tcp::connect(listening.local_endpoint()),
                                  tcp::connect(listening.local_endpoint())));
  REQUIRE(both);
  const auto& [first, second, one, other] = *both;
  CHECK(first.peer_endpoint() != second.peer_endpoint());
}

TEST_CASE("incoming: one request accepts all connections", "[net][incoming]") {
  loop here;
  const tcp::listener listening = listening_on_loopback();
  tcp::incoming arriving = listening.incoming();
  auto clients = connections_to(listening, 1);
  check_pair(clients.front(), run(arriving.next()));
  turn_until_idle(here);
  CHECK(here.in_flight() == 1);
  for (int i = 0; i < 20; ++i) {
    clients = connections_to(listening, 2);
    turn_until_idle(here);
    CHECK(here.in_flight() == 1);
    for (const tcp::stream& client : clients) check_pair(client, run(arriving.next()));
  }
}

TEST_CASE("incoming: pauses while many connections are untaken, and then goes on", "[net][incoming]") {
  loop here;
  const tcp::listener listening = listening_on_loopback();
  tcp::incoming arriving = listening.incoming();
  auto clients = connections_to(listening, 1);
  check_pair(clients.front(), run(arriving.next()));
  for (int round = 0; round < 3; ++round) {
    clients = connections_to(listening, 200);
    turn_until_idle(here);
    CHECK(here.in_flight() == 0);  // accepting is paused: the other connections wait in the backlog
    for (const tcp::stream& client : clients) check_pair(client, run(arriving.next()));
    clients = connections_to(listening, 1);
    check_pair(clients.front(), run(arriving.next()));
    turn_until_idle(here);
    CHECK(here.in_flight() == 1);
  }
}

TEST_CASE("incoming: stopping a next loses no connection", "[net][incoming][stop]") {
  loop here;
  const tcp::listener listening = listening_on_loopback();
  tcp::incoming arriving = listening.incoming();
  stop_source stop;
  SECTION("requested before it began") {
    stop.request_stop();
    CHECK(run(as_result(with_stop_token(arriving.next(), stop.get_token()))).error() ==
          std::errc::operation_canceled);
  }
  SECTION("requested while it waits") {
    auto waiting = spawn(with_stop_token(arriving.next(), stop.get_token()));
    turn_until_idle(here);
    stop.request_stop();
    CHECK(run(as_result(std::move(waiting))).error() == std::errc::operation_canceled);
  }
  SECTION("requested when its connection has arrived") {
    const auto clients = connections_to(listening, 1);
    auto waiting = spawn(with_stop_token(arriving.next(), stop.get_token()));
    turn_until_idle(here);
    stop.request_stop();
    const auto ended = run(as_result(std::move(waiting)));
    REQUIRE(ended);
    check_pair(clients.front(), *ended);
  }
  const auto clients = connections_to(listening, 2);
  for (const tcp::stream& client : clients) check_pair(client, run(arriving.next()));
}

TEST_CASE("incoming: the destructor closes untaken connections and cancels a waiting next",
          "[net][incoming][stop]") {
  const auto before = open_descriptors();
  {
    loop here;
    const tcp::listener listening = listening_on_loopback();
    std::optional<tcp::incoming> arriving = listening.incoming();
    std::string room(1, '?');
    SECTION("with untaken connections") {
      auto clients = connections_to(listening, 1);
      check_pair(clients.front(), run(arriving->next()));
      clients = connections_to(listening, 3);
      turn_until_idle(here);
      arriving.reset();
      for (const tcp::stream& client : clients)
        CHECK(run(as_result(client.read_some(room))).value_or(0) == 0);
    }
    SECTION("with a waiting next") {
      auto first = spawn(arriving->next());
      auto second = spawn(arriving->next());
      turn_until_idle(here);
      arriving.reset();
      CHECK(run(as_result(std::move(first))).error() == std::errc::operation_canceled);
      CHECK(run(as_result(std::move(second))).error() == std::errc::operation_canceled);
    }
    SECTION("before any use") { arriving.reset(); }
    here.run();
    CHECK(here.in_flight() == 0);
    const auto client = connections_to(listening, 1);
    check_pair(client.front(), run(listening.accept()));  // the listener works as before
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("incoming: the loop's end cancels a waiting next", "[net][incoming][stop]") {
  const auto before = open_descriptors();
  std::optional<result<tcp::stream>> finished;
  {
    const tcp::listener listening = listening_on_loopback();
    std::optional<tcp::incoming> arriving;
    {
      loop here;
      arriving = listening.incoming();
      start(arriving->next(), [&](result<tcp::stream> ended) { finished.emplace(std::move(ended)); });
      turn_until_idle(here);
      CHECK_FALSE(finished);
    }
    REQUIRE(finished);
    CHECK(finished->error() == std::errc::operation_canceled);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("incoming: closing the listener cancels a waiting next, and a later next fails",
          "[net][incoming][failure]") {
  loop here;
  tcp::listener listening = listening_on_loopback();
  tcp::incoming arriving = listening.incoming();
  auto first = spawn(arriving.next());
  auto second = spawn(arriving.next());
  turn_until_idle(here);
  run(listening.close());
  CHECK(run(as_result(std::move(first))).error() == std::errc::operation_canceled);
  CHECK(run(as_result(std::move(second))).error() == std::errc::bad_file_descriptor);
  CHECK(run(as_result(arriving.next())).error() == std::errc::bad_file_descriptor);
}

TEST_CASE("incoming: errors name the call and the listener", "[net][incoming][failure]") {
  IN_EVERY_STYLE(style);
  loop here;
  SECTION("closed") {
    const tcp::listener deaf;
    tcp::incoming arriving = deaf.incoming();
    const auto ended = style.wait(arriving.next());
    REQUIRE_FALSE(ended);
    CHECK(ended.error() == std::errc::bad_file_descriptor);
    CHECK(ended.error().message().find("incoming::next descriptor -1") != std::string::npos);
  }
  SECTION("a socket that does not listen") {
    const auto wrong = tcp::listener::from_descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    tcp::incoming arriving = wrong.incoming();
    const auto ended = style.wait(arriving.next());
    REQUIRE_FALSE(ended);
    CHECK(ended.error() == std::errc::invalid_argument);
  }
  SECTION("a pipe") {
    pipe_ends ends;
    const auto wrong = tcp::listener::from_descriptor(ends.release_reader());
    tcp::incoming arriving = wrong.incoming();
    const auto ended = style.wait(arriving.next());
    REQUIRE_FALSE(ended);
    CHECK(ended.error() == std::errc::not_a_socket);
  }
}

TEST_CASE("incoming: waits on a listener with O_NONBLOCK", "[net][incoming]") {
  loop here;
  const tcp::listener listening = listening_on_loopback();
  REQUIRE(::fcntl(listening.number(), F_SETFL, O_NONBLOCK) == 0);
  tcp::incoming arriving = listening.incoming();
  auto waiting = spawn(arriving.next());
  turn_until_idle(here);
  auto clients = connections_to(listening, 2);
  check_pair(clients[0], run(std::move(waiting)));
  check_pair(clients[1], run(arriving.next()));
  auto again = spawn(arriving.next());
  turn_until_idle(here);
  clients = connections_to(listening, 1);
  check_pair(clients[0], run(std::move(again)));
}

TEST_CASE("incoming: without a free descriptor next fails, and then goes on", "[net][incoming][failure]") {
  const auto ended = in_child([] {
    loop here;
    const tcp::listener listening = listening_on_loopback();
    tcp::incoming arriving = listening.incoming();
    auto client = spawn(tcp::connect(listening.local_endpoint()));
    here.run(nop());
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    const rlim_t usual = limit.rlim_cur;
    limit.rlim_cur = static_cast<rlim_t>(::dup(STDERR_FILENO));  // the lowest free number
    ::close(static_cast<int>(limit.rlim_cur));
    ::setrlimit(RLIMIT_NOFILE, &limit);
    auto refused = run(as_result(arriving.next()));
    if (refused || refused.error() != std::errc::too_many_files_open)
      throw std::runtime_error("it did not fail");
    limit.rlim_cur = usual;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    run(arriving.next());
  });
  CHECK(ended.errors == "");
  CHECK(ended.exit_status() == 0);
}

TEST_CASE("incoming: without a loop it is a logic_error that names the call", "[net][incoming][failure]") {
  const tcp::listener listening = listening_on_loopback();
  tcp::incoming arriving = listening.incoming();
  CHECK_THROWS_WITH(start(arriving.next(), [](result<tcp::stream>) {}), contains("start"));
}
