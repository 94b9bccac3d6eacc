#include "braid/net/udp.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "braid/base/detail/poison.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/loop/nop.hpp"
#include "catch.hpp"
#include "descriptors.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "sanitized.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

udp::socket bound() { return udp::bind_now(endpoint::loopback()); }
// A port without a socket. Its address is one that no socket gets by default: so a socket never becomes its
// own peer.
endpoint unused_endpoint() { return udp::bind_now(endpoint("127.0.0.2", 0)).local_endpoint(); }

template <std::size_t N>
std::string_view text_of(const std::array<char, N>& room, const udp::datagram& got) {
  return {room.data(), got.size};
}

template <std::size_t N>
bool in_the_kernels_hands([[maybe_unused]] const std::array<char, N>& room) {
#if BRAID_ASAN
  return __asan_region_is_poisoned(const_cast<char*>(room.data()), N) != nullptr;
#else
  return false;
#endif
}

}  // namespace

TEST_CASE("udp: each datagram arrives by itself, with its sender", "[net][udp]") {
  IN_EVERY_STYLE(style);
  const auto before = open_descriptors();
  {
    loop here;
    auto near = style.wait(udp::bind(endpoint::loopback())).value();
    auto far = style.wait(udp::bind(endpoint::loopback())).value();
    CHECK(far.local_endpoint().port() != 0);
    for (const char* text : {"hello", "", "again"})
      CHECK(style.wait(near.send_to(text, far.local_endpoint())));
    std::array<char, 16> room{};
    for (const char* text : {"hello", "", "again"}) {
      const auto got = style.wait(far.receive_from(room));
      REQUIRE(got);
      CHECK(text_of(room, *got) == text);
      CHECK(got->from == near.local_endpoint());
      CHECK_FALSE(got->truncated);
    }
    CHECK(style.wait(near.close()));
    CHECK(style.wait(far.close()));
    CHECK_FALSE(far.is_open());
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("udp: a connected socket receives only from its peer", "[net][udp]") {
  IN_EVERY_STYLE(style);
  loop here;
  const udp::socket server = bound(), stranger = bound();
  const auto client = style.wait(udp::connect(server.local_endpoint()));
  REQUIRE(client);
  CHECK(client->peer_endpoint() == server.local_endpoint());
  std::array<char, 16> room{};
  CHECK(style.wait(client->send("question")));
  const auto asked = style.wait(server.receive_from(room));
  REQUIRE(asked);
  CHECK(text_of(room, *asked) == "question");
  CHECK(asked->from == client->local_endpoint());
  CHECK(style.wait(stranger.send_to("rumour", asked->from)));
  CHECK(style.wait(server.send_to("answer", asked->from)));
  const auto answered = style.wait(client->receive(room));
  REQUIRE(answered);
  CHECK(text_of(room, *answered) == "answer");
  CHECK(answered->from == server.local_endpoint());
}

TEST_CASE("udp: a datagram longer than the buffer is cut, which the result shows", "[net][udp]") {
  IN_EVERY_STYLE(style);
  loop here;
  const udp::socket far = bound();
  const auto near = style.wait(udp::connect(far.local_endpoint())).value();
  for (const char* text : {"longer than that", "fits", "x"}) CHECK(style.wait(near.send(text)));
  std::array<char, 4> room{};
  auto got = style.wait(far.receive(room)).value();
  CHECK(got.truncated);
  CHECK(text_of(room, got) == "long");
  got = style.wait(far.receive_from(room)).value();
  CHECK_FALSE(got.truncated);
  CHECK(text_of(room, got) == "fits");
  got = style.wait(far.receive_from(std::span(room).first(0))).value();
  CHECK(got.truncated);
  CHECK(got.size == 0);
}

TEST_CASE("udp: works over IPv6", "[net][udp]") {
  IN_EVERY_STYLE(style);
  loop here;
  const auto far = style.wait(udp::bind(endpoint("::1", 0)));
  if (!far && (far.error() == std::errc::address_not_available ||
               far.error() == std::errc::address_family_not_supported))
    return;  // this machine has no IPv6
  REQUIRE(far);
  const auto near = style.wait(udp::connect(far->local_endpoint())).value();
  CHECK(style.wait(near.send("hello")));
  std::array<char, 16> room{};
  CHECK(style.wait(far->receive_from(room)).value().from == near.local_endpoint());
}

TEST_CASE("udp: sends and receives the longest datagram", "[net][udp]") {
  IN_EVERY_STYLE(style);
  loop here;
  const udp::socket near = bound(), far = bound();
  const std::string longest(65'507, 'x');
  CHECK(style.wait(near.send_to(longest, far.local_endpoint())));
  std::string room(70'000, '?');
  CHECK(style.wait(far.receive_from(room)).value().size == longest.size());
  CHECK(room.substr(0, longest.size()) == longest);
  const auto longer = style.wait(near.send_to(longest + "x", far.local_endpoint()));
  REQUIRE_FALSE(longer);
  CHECK(longer.error() == std::errc::message_size);
  CHECK_THAT(longer.error().message(), contains("socket::send_to " + far.local_endpoint().to_string()));
}

TEST_CASE("udp: a waiting receive gets the datagram that arrives", "[net][udp]") {
  for (const int flags : {0, int{SOCK_NONBLOCK}}) {
    loop here;
    const udp::socket near = bound();
    const int number = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | flags, 0);
    const udp::socket far = udp::socket::from_descriptor(number);
    REQUIRE(::bind(number, endpoint::loopback().data(), endpoint::loopback().size()) == 0);
    std::array<char, 8> room{};
    auto receiving = spawn(far.receive_from(room));
    here.run(nop());
    CHECK_FALSE(receiving.is_ready());
    here.run(near.send_to("late", far.local_endpoint()));
    CHECK(text_of(room, here.run(std::move(receiving))) == "late");
  }
}

TEST_CASE("udp: simultaneous receives get a datagram each", "[net][udp]") {
  loop here;
  const udp::socket near = bound(), far = bound();
  std::vector<std::string> rooms(10, std::string(2, '?')), expected;
  std::vector<future<udp::datagram>> receiving;
  for (std::string& room : rooms) receiving.push_back(spawn(far.receive_from(room)));
  here.run(nop());
  for (int n = 10; n < 20; ++n) {
    expected.push_back(std::to_string(n));
    here.run(near.send_to(expected.back(), far.local_endpoint()));
  }
  here.run(when_all(std::move(receiving)));
  std::ranges::sort(rooms);
  CHECK(rooms == expected);
}

// Uses a Unix socket pair, since UDP sockets drop what does not fit.
TEST_CASE("udp: a send without room in the buffer waits for it", "[net][udp]") {
  for (const int flags : {0, int{SOCK_NONBLOCK}}) {
    loop here;
    std::array<int, 2> pair{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | flags, 0, pair.data()) == 0);
    const udp::socket near = udp::socket::from_descriptor(pair[0]);
    const udp::socket far = udp::socket::from_descriptor(pair[1]);
    std::vector<future<void>> sending;
    const std::string text(1 << 14, 'x');
    for (int n = 0; n < 1000; ++n) sending.push_back(spawn(near.send(text)));
    here.run(nop());
    here.run(nop());
    CHECK(std::ranges::count_if(sending, [](const auto& each) { return each.is_ready(); }) < 1000);
    std::string room(1 << 14, '?');
    for (int n = 0; n < 1000; ++n) {
      const auto got = here.run(far.receive(room));
      if (got.size != text.size() || got.from != endpoint()) FAIL("datagram " << n);
    }
    here.run(when_all(std::move(sending)));
  }
}

TEST_CASE("udp: a connected socket gets one connection_refused for an unused peer port",
          "[net][udp][failure]") {
  IN_EVERY_STYLE(style);
  loop here;
  const endpoint unused = unused_endpoint();
  const auto asking = style.wait(udp::connect(unused)).value();
  CHECK(style.wait(asking.send("anybody there?")));
  std::array<char, 8> room{};
  const auto refused = style.wait(asking.receive(room));
  REQUIRE_FALSE(refused);
  CHECK(refused.error() == std::errc::connection_refused);
  CHECK_THAT(refused.error().message(), contains("socket::receive " + unused.to_string()));

  // Now a socket binds the port.
  const udp::socket new_owner = udp::bind_now(unused);
  CHECK(style.wait(asking.send("hello?")));
  CHECK(style.wait(new_owner.receive_from(room)).value().from == asking.local_endpoint());
}

TEST_CASE("udp: a waiting receive fails if the peer's port is unused", "[net][udp][failure]") {
  loop here;
  const udp::socket asking = udp::connect_now(unused_endpoint());
  std::array<char, 8> room{};
  auto receiving = spawn(asking.receive(room));
  here.run(nop());
  here.run(asking.send("anybody there?"));
  CHECK(here.run(as_result(std::move(receiving))).error() == std::errc::connection_refused);
}

TEST_CASE("udp: an unconnected socket gets no error for an unused port", "[net][udp]") {
  loop here;
  const endpoint unused = unused_endpoint();
  const udp::socket one = bound();
  run(one.send_to("anybody there?", unused));
  run(one.send_to("me", one.local_endpoint()));
  std::array<char, 8> room{};
  CHECK(text_of(room, run(one.receive_from(room))) == "me");
}

TEST_CASE("udp: a stopped receive takes no datagram", "[net][udp][stop]") {
  loop here;
  const udp::socket near = bound(), far = bound();
  std::array<char, 8> room{}, other{};
  auto stopped = spawn(far.receive_from(room));
  auto late = spawn(with_timeout(far.receive_from(other), 0ns));
  here.run(nop());
  stopped.request_stop();
  CHECK(run(as_result(std::move(stopped))).error() == std::errc::operation_canceled);
  CHECK(run(as_result(std::move(late))).error() == std::errc::timed_out);
  CHECK(here.in_flight() == 0);
  run(near.send_to("still", far.local_endpoint()));
  CHECK(text_of(room, run(far.receive_from(room))) == "still");
}

TEST_CASE("udp: a datagram that races with a stop request is received or left, never lost",
          "[net][udp][stop]") {
  loop here;
  const udp::socket far = bound();
  const udp::socket near = udp::connect_now(far.local_endpoint());
  for (int round = 0; round < 50; ++round) {
    std::array<char, 8> room{};
    auto stopped = spawn(far.receive_from(room));
    here.run(nop());
    REQUIRE(::send(near.number(), "meets", 5, 0) == 5);  // not through the loop
    if (round % 2 == 0) here.turn(false);
    stopped.request_stop();
    const auto ended = run(as_result(std::move(stopped)));
    if (ended)
      CHECK(text_of(room, *ended) == "meets");
    else
      CHECK(text_of(room, run(far.receive_from(room))) == "meets");
  }
}

TEST_CASE("udp: close cancels waiting receives", "[net][udp][stop]") {
  loop here;
  udp::socket far = bound();
  std::array<char, 8> room{}, other{};
  auto one = spawn(far.receive_from(room)), two = spawn(far.receive(other));
  here.run(nop());
  run(far.close());
  for (auto* each : {&one, &two}) {
    REQUIRE(each->is_ready());
    CHECK(run(as_result(std::move(*each))).error() == std::errc::operation_canceled);
  }
}

TEST_CASE("udp: a question and its answer can be cancelled at every await", "[net][udp][stop]") {
  const std::size_t awaits = every_cancellation([]() -> task<> {
    udp::socket server = co_await udp::bind(endpoint::loopback());
    udp::socket client = co_await udp::connect(server.local_endpoint());
    std::array<char, 8> asked{}, answered{};
    const auto serve = [&]() -> task<> {
      const udp::datagram got = co_await server.receive_from(asked);
      co_await server.send_to(std::span(asked).first(got.size), got.from);
    };
    const auto ask = [&]() -> task<> {
      co_await client.send("echo");
      (void)co_await client.receive(answered);
    };
    co_await when_all(serve(), ask());
    co_await client.close();
    co_await server.close();
  });
  CHECK(awaits > 4);
}

TEST_CASE("udp: a receive's buffer is poisoned while it is in flight, and only then", "[net][udp]") {
  std::array<char, 8> room{};
  {
    const auto here = std::make_optional<loop>();
    const udp::socket far = bound();
    start(far.receive_from(room), [&](const result<udp::datagram>& ended) {
      CHECK(ended.error() == std::errc::operation_canceled);
      CHECK_FALSE(in_the_kernels_hands(room));
    });
    CHECK(in_the_kernels_hands(room) == (BRAID_ASAN == 1));
    run(nop());
    CHECK(in_the_kernels_hands(room) == (BRAID_ASAN == 1));
  }
  CHECK_FALSE(in_the_kernels_hands(room));
  CHECK(room == std::array<char, 8>{});
}
