#include "braid/net/tcp.hpp"

#include <netinet/tcp.h>

#include <array>
#include <span>
#include <string>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/loop/nop.hpp"
#include "braid/schedule/yield.hpp"
#include "catch.hpp"
#include "descriptors.hpp"
#include "every_style.hpp"
#include "net/connection.hpp"

using namespace braid;
using namespace braid_tests;

TEST_CASE("tcp: transfers bytes both ways until the end", "[net][tcp]") {
  IN_EVERY_STYLE(style);
  const auto before = open_descriptors();
  {
    loop here;
    auto [near, far] = connected_pair(style);
    std::string room(5, '?');
    CHECK(style.wait(near.write_all("hello")));
    CHECK(style.wait(far.read_exactly(room)));
    CHECK(room == "hello");
    CHECK(style.wait(far.write_some(std::string("yes"))).value() == 3);
    CHECK(style.wait(near.read_some(room)).value() == 3);
    CHECK(room.substr(0, 3) == "yes");

    // Half closed: the far end reads the end, but can still write.
    CHECK(style.wait(near.shutdown_send()));
    CHECK(style.wait(far.read_some(room)).value() == 0);
    CHECK(style.wait(far.write_all("after")));
    CHECK(style.wait(near.read_exactly(room)));
    CHECK(room == "after");
    CHECK(style.wait(near.close()));
    CHECK(style.wait(far.close()));
    CHECK_FALSE(far.is_open());
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("tcp: both ends know each other's endpoints and have TCP_NODELAY", "[net][tcp]") {
  IN_EVERY_STYLE(style);
  loop here;
  const auto listening = style.wait(tcp::listen(endpoint::loopback()));
  REQUIRE(listening);
  CHECK(listening->local_endpoint().port() != 0);
  auto [near, far] = connected_pair(style);
  CHECK(near.local_endpoint() == far.peer_endpoint());
  CHECK(far.local_endpoint() == near.peer_endpoint());
  for (const int number : {near.number(), far.number()}) {
    int on = 0;
    socklen_t length = sizeof on;
    REQUIRE(::getsockopt(number, IPPROTO_TCP, TCP_NODELAY, &on, &length) == 0);
    CHECK(on != 0);
  }
}

TEST_CASE("tcp: works over IPv6", "[net][tcp]") {
  IN_EVERY_STYLE(style);
  loop here;
  const auto listening = style.wait(tcp::listen(endpoint("::1", 0)));
  if (!listening && (listening.error() == std::errc::address_not_available ||
                     listening.error() == std::errc::address_family_not_supported))
    return;  // this machine has no IPv6
  REQUIRE(listening);
  auto both = style.wait(when_all(tcp::connect(listening->local_endpoint()), listening->accept()));
  REQUIRE(both);
  CHECK(std::get<0>(*both).peer_endpoint() == listening->local_endpoint());
}

TEST_CASE("tcp: write_all and read_exactly transfer more than the sockets' buffers hold", "[net][tcp]") {
  IN_EVERY_STYLE(style);
  loop here;
  auto [near, far] = connected_pair(style);
  std::string sent(8 << 20, '\0');
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i * 31 >> 4);
  std::string got(sent.size(), '\0');
  CHECK(style.wait(when_all(near.write_all(sent), far.read_exactly(got))));
  CHECK((got == sent));
}

TEST_CASE("tcp: several accepts may wait at once", "[net][tcp]") {
  IN_EVERY_STYLE(style);
  loop here;
  const auto listening = style.wait(tcp::listen(endpoint::loopback()));
  REQUIRE(listening);
  const endpoint at = listening->local_endpoint();
  auto all = style.wait(when_all(when_all(listening->accept(), listening->accept(), listening->accept()),
                                 when_all(tcp::connect(at), tcp::connect(at), tcp::connect(at))));
  REQUIRE(all);
}

TEST_CASE("tcp: close cancels a waiting accept before it frees the number", "[net][tcp][stop]") {
  loop here;
  auto listening = run(tcp::listen(endpoint::loopback()));
  auto accepting = spawn(listening.accept());
  here.run(nop());
  CHECK_FALSE(accepting.is_ready());
  run(listening.close());
  REQUIRE(accepting.is_ready());
  CHECK(run(as_result(std::move(accepting))).error() == std::errc::operation_canceled);
}

TEST_CASE("tcp: abort ends what waits, and the peer sees that the connection is cut short",
          "[net][tcp][stop]") {
  IN_EVERY_STYLE(style);
  const auto before = open_descriptors();
  {
    loop here;
    auto [near, far] = connected_pair(style);
    std::string room(5, '?');
    CHECK(style.wait(near.write_all("hello")));
    CHECK(style.wait(far.read_exactly(room)));
    const std::string much(16 << 20, 'x');
    auto writing = spawn(near.write_all(much));
    auto reading = spawn(near.read_some(room));
    here.turn(false);
    CHECK(style.wait(near.abort()));
    CHECK_FALSE(near.is_open());
    CHECK(style.wait(std::move(writing)).error() == std::errc::operation_canceled);
    CHECK(style.wait(std::move(reading)).error() == std::errc::operation_canceled);
    result<std::size_t> got = 1;
    for (std::size_t all = 0; got && *got != 0 && all < much.size(); all += got.value_or(0))
      got = style.wait(far.read_some(room));
    REQUIRE_FALSE(got);
    CHECK(got.error() == std::errc::connection_reset);
    CHECK(style.wait(near.abort()).error() == std::errc::bad_file_descriptor);
    // One that is never started is a close.
    auto [left, right] = connected_pair(style);
    { auto dropped = left.abort(); }
    CHECK(style.wait(right.read_some(room)).value() == 0);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("tcp: a stop request ends a waiting read, write and accept", "[net][tcp][stop]") {
  loop here;
  auto [near, far] = connected_pair(any_style());
  const auto listening = run(tcp::listen(endpoint::loopback()));
  std::string room(64, '?');
  const std::string much(16 << 20, 'x');
  auto reading = spawn(near.read_some(room));
  auto writing = spawn(near.write_all(much));
  auto accepting = spawn(listening.accept());
  here.run(nop());
  reading.request_stop();
  writing.request_stop();
  accepting.request_stop();
  CHECK(run(as_result(std::move(reading))).error() == std::errc::operation_canceled);
  CHECK(run(as_result(std::move(writing))).error() == std::errc::operation_canceled);
  CHECK(run(as_result(std::move(accepting))).error() == std::errc::operation_canceled);
  CHECK(here.in_flight() == 0);
}

TEST_CASE("tcp: one loop serves 100 connections at once", "[net][tcp]") {
  const auto before = open_descriptors();
  {
    loop here;
    const auto listening = run(tcp::listen(endpoint::loopback()));
    auto serving = spawn([&]() -> task<void> {
      for (int i = 0; i < 100; ++i) {
        auto accepted = co_await listening.accept();
        detach([peer = std::move(accepted)]() mutable -> task<void> {
          std::array<char, 64> room;
          while (const std::size_t got = co_await peer.read_some(room))
            co_await peer.write_all(std::span(room).first(got));
          co_await peer.close();
        });
      }
    });
    int echoed = 0;
    std::vector<task<void>> clients;
    for (int i = 0; i < 100; ++i)
      clients.push_back([](endpoint to, std::string text, int& count) -> task<void> {
        auto server = co_await tcp::connect(to);
        co_await server.write_all(text);
        co_await server.shutdown_send();
        std::string back(text.size(), '?');
        co_await server.read_exactly(back);
        count += back == text && co_await server.read_some(back) == 0;
      }(listening.local_endpoint(), "client " + std::to_string(i), echoed));
    run(when_all(std::move(clients)));
    run(std::move(serving));
    here.run();
    CHECK(echoed == 100);
  }
  CHECK(open_descriptors() == before);
}
