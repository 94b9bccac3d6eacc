#include "braid/net/stream_options.hpp"

#include <netinet/tcp.h>

#include <array>
#include <chrono>
#include <string>
#include <utility>

#include "braid/combine/when_all.hpp"
#include "braid/combine/when_any.hpp"
#include "braid/net/connect.hpp"
#include "braid/net/serve.hpp"
#include "braid/net/tcp.hpp"
#include "braid/sim/world.hpp"
#include "catch.hpp"
#include "check_fails.hpp"
#include "descriptors.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

int option_of(int socket, int level, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  REQUIRE(::getsockopt(socket, level, name, &value, &length) == 0);
  return value;
}

const tcp::stream_options all_set{.no_delay = false,
                                  .keep_alive = {{.idle = 30s, .interval = 5s, .count = 3}},
                                  .user_timeout = 90s,
                                  .linger = 0s,
                                  .send_buffer = 20'000,
                                  .receive_buffer = 30'000};

void check_all_set(const tcp::stream& on) {
  const int socket = on.number();
  CHECK(option_of(socket, IPPROTO_TCP, TCP_NODELAY) == 0);
  CHECK(option_of(socket, SOL_SOCKET, SO_KEEPALIVE) == 1);
  CHECK(option_of(socket, IPPROTO_TCP, TCP_KEEPIDLE) == 30);
  CHECK(option_of(socket, IPPROTO_TCP, TCP_KEEPINTVL) == 5);
  CHECK(option_of(socket, IPPROTO_TCP, TCP_KEEPCNT) == 3);
  CHECK(option_of(socket, IPPROTO_TCP, TCP_USER_TIMEOUT) == 90'000);
  CHECK(option_of(socket, SOL_SOCKET, SO_SNDBUF) == 40'000);  // the kernel doubles it
  CHECK(option_of(socket, SOL_SOCKET, SO_RCVBUF) == 60'000);
  linger how{};
  socklen_t length = sizeof how;
  REQUIRE(::getsockopt(socket, SOL_SOCKET, SO_LINGER, &how, &length) == 0);
  CHECK(how.l_onoff == 1);
  CHECK(how.l_linger == 0);
}

struct refusal {
  tcp::stream_options options;
  std::errc code;
  std::string option;
};
const std::array refusals{
    refusal{{.keep_alive = {{.idle = -1s}}}, std::errc::invalid_argument, "keep_alive.idle"},
    refusal{{.keep_alive = {{.interval = 0s}}}, std::errc::invalid_argument, "keep_alive.interval"},
    refusal{{.keep_alive = {{.count = 1000}}}, std::errc::invalid_argument, "keep_alive.count"},
    refusal{{.user_timeout = -1ms}, std::errc::invalid_argument, "user_timeout"},
    refusal{{.user_timeout = 1000h}, std::errc::invalid_argument, "user_timeout"},
    refusal{{.linger = 1s}, std::errc::operation_not_supported, "linger other than 0s"},
    refusal{{.send_buffer = std::size_t{1} << 31}, std::errc::invalid_argument, "send_buffer"},
    refusal{{.receive_buffer = std::size_t{1} << 40}, std::errc::invalid_argument, "receive_buffer"}};

// The options that the first of two ends needs to send, and the second one to receive.
task<std::string> transfers(const tcp::stream& from, const tcp::stream& to) {
  const std::string sent(100'000, 'x');
  std::string got(sent.size(), '?');
  auto both = when_all(from.write_all(sent), to.read_exactly(got));
  (void)co_await std::move(both);
  co_return got == sent ? "whole" : "different";
}

struct served {
  endpoint server, client, accepted_at, accepted_from;
};

// A client that connects to a listener.
task<served> connects(const tcp::listener& door, std::string to) {
  auto both = when_all(tcp::connect(endpoint(to, door.local_endpoint().port())), door.accept());
  const auto [near, far] = co_await std::move(both);
  const std::string whole = co_await transfers(near, far);
  CHECK(whole == "whole");
  co_return served{near.peer_endpoint(), near.local_endpoint(), far.local_endpoint(), far.peer_endpoint()};
}

// What holds of a dual-stack listener on every reactor.
task<> serves_both_families() {
  const tcp::listener door = tcp::listen_now(endpoint("::", 0));
  CHECK(door.local_endpoint().family() == AF_INET6);
  const served v6 = co_await connects(door, "::1");
  CHECK(v6.accepted_from == v6.client);
  CHECK(v6.accepted_from.unmapped() == v6.client);
  const served v4 = co_await connects(door, "127.0.0.1");
  CHECK(v4.client.family() == AF_INET);
  CHECK(v4.accepted_from != v4.client);
  CHECK(v4.accepted_from.unmapped() == v4.client);
  CHECK(v4.accepted_at.unmapped() == v4.server);
  CHECK(v4.accepted_from.to_string() == "[::ffff:127.0.0.1]:" + std::to_string(v4.client.port()));

  const tcp::listener strict = tcp::listen_now(endpoint("::", 0), {.v6_only = true});
  (void)co_await connects(strict, "::1");
  auto refused = as_result(tcp::connect(endpoint("127.0.0.1", strict.local_endpoint().port())));
  const result<tcp::stream> failed = co_await std::move(refused);
  CHECK(failed.error() == std::errc::connection_refused);

  // An address that is written as IPv6 reaches the IPv4 listener.
  const tcp::listener v4_only = tcp::listen_now(endpoint("127.0.0.1", 0));
  auto both =
      when_all(tcp::connect(endpoint("::ffff:127.0.0.1", v4_only.local_endpoint().port())), v4_only.accept());
  const auto [near, far] = co_await std::move(both);
  CHECK(near.local_endpoint().family() == AF_INET6);
  CHECK(near.local_endpoint().unmapped() == far.peer_endpoint());

  // One port is not given away twice.
  const std::uint16_t port = door.local_endpoint().port();
  CHECK_THROWS_AS(tcp::listen_now(endpoint("0.0.0.0", port)), std::system_error);
  CHECK_THROWS_AS(tcp::listen_now(endpoint("127.0.0.1", port)), std::system_error);
  CHECK_NOTHROW(tcp::listen_now(endpoint("0.0.0.0", strict.local_endpoint().port())));
}

}  // namespace

TEST_CASE("stream_options: a connection and a listener's connections get them", "[net][tcp]") {
  IN_EVERY_STYLE(style);
  const auto before = open_descriptors();
  {
    loop here;
    const auto door = style.wait(tcp::listen(endpoint::loopback(), {.stream = all_set})).value();
    auto both = style.wait(when_all(tcp::connect(door.local_endpoint(), all_set), door.accept()));
    REQUIRE(both);
    const auto& [near, far] = *both;
    check_all_set(near);
    check_all_set(far);
    CHECK(style.wait(transfers(near, far)).value() == "whole");
    auto arriving = door.incoming();
    auto more = style.wait(when_all(tcp::connect(door.local_endpoint()), arriving.next()));
    REQUIRE(more);
    CHECK(option_of(std::get<0>(*more).number(), IPPROTO_TCP, TCP_NODELAY) == 1);
    check_all_set(std::get<1>(*more));
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("stream_options: an existing connection gets those that are not empty", "[net][tcp]") {
  loop here;
  const tcp::listener door = tcp::listen_now(endpoint::loopback());
  const tcp::stream near = here.run(tcp::connect(door.local_endpoint()));
  near.set_options({});
  CHECK(option_of(near.number(), IPPROTO_TCP, TCP_NODELAY) == 1);
  near.set_options(all_set);
  check_all_set(near);
  near.set_options({.keep_alive = {{.idle = 0s}}});
  CHECK(option_of(near.number(), SOL_SOCKET, SO_KEEPALIVE) == 0);
  CHECK_THROWS_AS(tcp::stream().set_options(all_set), std::system_error);
}

TEST_CASE("stream_options: linger 0s drops what has not left, and the peer sees a reset", "[net][tcp]") {
  loop here;
  const tcp::listener door = tcp::listen_now(endpoint::loopback());
  auto [near, far] = here.run(when_all(tcp::connect(door.local_endpoint(), {.linger = 0s}), door.accept()));
  here.run(near.close());
  std::array<char, 1> room;
  CHECK(here.run(as_result(far.read_some(room))).error() == std::errc::connection_reset);
}

TEST_CASE("stream_options: a refusal names the option", "[net][tcp][failure]") {
  IN_EVERY_STYLE(style);
  const auto before = open_descriptors();
  {
    loop here;
    const tcp::listener door = tcp::listen_now(endpoint::loopback());
    const endpoint at = door.local_endpoint();
    const tcp::stream near = here.run(tcp::connect(at));
    for (const auto& [options, code, option] : refusals) {
      const std::string object = option + " of " + at.to_string();
      check_fails(style, tcp::connect(at, options), code, "tcp::connect", object);
      check_fails(style, tcp::listen(endpoint::loopback(), {.stream = options}), code, "tcp::listen",
                  option + " of 127.0.0.1:0");
      try {
        near.set_options(options);
        FAIL("it was not refused");
      } catch (const std::system_error& refused) {
        CHECK(refused.code() == code);
        CHECK_THAT(refused.what(), contains("stream::set_options " + object));
      }
    }
    const auto refuses = [&](const tcp::listen_options& how, std::errc code, const std::string& option) {
      check_fails(style, tcp::listen(endpoint::loopback(), how), code, "tcp::listen",
                  option + " of 127.0.0.1:0");
    };
    refuses({.v6_only = true}, std::errc::no_protocol_option, "v6_only");
    refuses({.fast_open = -1}, std::errc::invalid_argument, "fast_open");
    const tcp::connect_options how{.stream = {.linger = 1s}};
    const auto failed = style.wait(tcp::connect_to_any({at}, how));
    REQUIRE_FALSE(failed);
    CHECK(failed.error() == std::errc::operation_not_supported);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("listen_options: a listener at :: serves both families, unless it is v6_only", "[net][tcp]") {
  IN_EVERY_STYLE(style);
  {
    loop here;
    const auto ended = style.wait(serves_both_families());
    if (!ended && ended.error() == std::errc::address_family_not_supported) return;  // without IPv6
    CHECK(ended);
  }
  sim::world world(1);
  world.run_on(world.add_host("server"), serves_both_families());
}

TEST_CASE("listen_options: in a simulated world other hosts reach a listener at ::", "[net][tcp][sim]") {
  sim::world world(1);
  sim::host& server = world.add_host("server");
  sim::host& client = world.add_host("client");
  const auto serves = []() -> task<> {
    const tcp::listener door = tcp::listen_now(endpoint("::", 80), {.stream = {.no_delay = true}});
    const tcp::stream far = co_await door.accept();
    const std::string from = far.peer_endpoint().to_string();
    co_await far.write_all(from);
  };
  {
    const current_loop_scope there(&server.its_loop());
    detach(serves());
  }
  const auto asks = [&]() -> task<std::string> {
    const tcp::stream near = co_await tcp::connect(endpoint(server.address(), 80), all_set);
    std::array<char, 64> room;
    const std::size_t got = co_await near.read_some(room);
    co_return std::string(room.data(), got);
  };
  CHECK_THAT(world.run_on(client, asks()), contains("[::ffff:" + client.address() + "]:"));
}

TEST_CASE("listen_options: several listeners may share a port, and each gets connections", "[net][tcp]") {
  loop here;
  const tcp::listen_options shared{.reuse_port = true};
  const tcp::listener first = tcp::listen_now(endpoint::loopback(), shared);
  const endpoint at = first.local_endpoint();
  const tcp::listener second = tcp::listen_now(at, shared);
  CHECK(second.local_endpoint() == at);
  CHECK_THROWS_AS(tcp::listen_now(at), std::system_error);
  // The system chooses a listener by the client's port, so that after some tries both are chosen.
  std::array<int, 2> served{};
  auto of_first = first.incoming(), of_second = second.incoming();
  const auto counts = [&](tcp::incoming& arriving, int& count) -> task<> {
    const tcp::stream client = co_await arriving.next();
    ++count;
  };
  while (served[0] == 0 || served[1] == 0) {
    auto either = when_any(counts(of_first, served[0]), counts(of_second, served[1]));
    const auto client = spawn(tcp::connect(at));
    (void)here.run(std::move(either));
  }
  CHECK(served[0] + served[1] >= 2);
}

TEST_CASE("listen_options: a listener with fast_open serves ordinary clients", "[net][tcp]") {
  loop here;
  const tcp::listener door = tcp::listen_now(endpoint::loopback(), {.fast_open = 16});
  CHECK(option_of(door.number(), IPPROTO_TCP, TCP_FASTOPEN) == 16);
  const auto [near, far] = here.run(when_all(tcp::connect(door.local_endpoint()), door.accept()));
  CHECK(here.run(transfers(near, far)) == "whole");
}

TEST_CASE("stream_options: a connect with options can be cancelled at each await",
          "[net][tcp][cancellation]") {
  const auto program = []() -> task<> {
    const tcp::listener door = tcp::listen_now(endpoint("::1", 0), {.stream = all_set});
    auto both = when_all(tcp::connect(door.local_endpoint(), all_set), door.accept());
    const auto [near, far] = co_await std::move(both);
    auto whole = transfers(near, far);
    (void)co_await std::move(whole);
  };
  CHECK(every_cancellation_with_memory(program) >= 2);
}
