#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/sim/explore.hpp"
#include "braid/style/spawn.hpp"
#include "catch.hpp"
#include "two_hosts.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

// ---- ends -----------------------------------------------------------------------------------------------

TEST_CASE("network: received bytes are read before a reset is reported, once", "[sim][network]") {
  two_hosts here;
  here.connect();
  CHECK(here.on(here.server, here.far.write_all("abc")) == 0);
  here.resets(here.server, here.far);
  here.world.run_until_idle();
  std::string got = room(3);
  CHECK(here.ready_at(here.client, here.near) == (POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP));
  CHECK(here.on(here.client, here.near.read_some(got)) == 3);
  CHECK(got == "abc");
  SECTION("to a read") { CHECK(here.on(here.client, here.near.read_some(got)) == -ECONNRESET); }
  SECTION("or to a write") { CHECK(here.on(here.client, here.near.write_some("x")) == -ECONNRESET); }
  CHECK(here.on(here.client, here.near.read_some(got)) == 0);
  CHECK(here.on(here.client, here.near.write_some("x")) == -EPIPE);
  CHECK(here.on(here.client, here.near.shutdown_send()) == -ENOTCONN);
  const current_loop_scope there(&here.client.its_loop());
  CHECK_THROWS_AS(here.near.peer_endpoint(), std::system_error);
}

TEST_CASE("network: closing with unread bytes resets the connection", "[sim][network]") {
  two_hosts here;
  here.connect();
  CHECK(here.on(here.client, here.near.write_all("unread")) == 0);
  here.world.run_until_idle();
  CHECK(here.on(here.server, here.far.close()) == 0);
  std::string got = room(3);
  CHECK(here.on(here.client, here.near.read_some(got)) == -ECONNRESET);
}

TEST_CASE("network: writing to a closed end gives a reset", "[sim][network]") {
  two_hosts here;
  here.connect();
  CHECK(here.on(here.server, here.far.close()) == 0);
  here.world.run_until_idle();
  CHECK(here.on(here.client, here.near.write_all("x")) == 0);
  here.world.run_until_idle();
  // The peer's end had arrived in order before the reset.
  CHECK(here.on(here.client, here.near.write_all("x")) == -EPIPE);
  std::string got = room(3);
  CHECK(here.on(here.client, here.near.read_some(got)) == 0);
}

TEST_CASE("network: bytes sent before a close arrive after any delay", "[sim][network]") {
  two_hosts here({.least_latency = 1ms, .most_latency = 1ms, .buffer_bytes = 100});
  here.connect();
  CHECK(here.on(here.client, here.near.write_all(std::string(200, 'x'))) == 0);
  CHECK(here.on(here.client, here.near.close()) == 0);
  here.world.run_until_idle();
  std::string got = room(150);
  CHECK(here.on(here.server, here.far.read_exactly(got)) == 0);
  CHECK(here.on(here.server, here.far.read_some(got)) == 50);
  CHECK(here.on(here.server, here.far.read_some(got)) == 0);
}

TEST_CASE("network: after a shutdown of both directions later bytes cause a reset", "[sim][network]") {
  two_hosts here;
  here.connect();
  CHECK(here.on(here.server, shut(here.far.number(), SHUT_RDWR)) == 0);
  here.world.run_until_idle();
  std::string got = room(3);
  CHECK(here.on(here.client, here.near.read_some(got)) == 0);
  CHECK(here.on(here.client, here.near.write_all("abc")) == 0);
  here.world.run_until_idle();
  CHECK(here.on(here.server, here.far.read_some(got)) == -ECONNRESET);
  CHECK(here.on(here.server, here.far.read_some(got)) == 0);
  CHECK(here.on(here.client, here.near.write_all("abc")) == -EPIPE);
}

TEST_CASE("network: after a shutdown of reading later bytes are still read", "[sim][network]") {
  two_hosts here;
  here.connect();
  auto reading = [&]() -> task<int> {
    std::string got = room(3);
    co_return static_cast<int>(co_await here.far.read_some(got));
  };
  const auto ended = [&] {
    const current_loop_scope there(&here.server.its_loop());
    return spawn(reading());
  }();
  here.world.run_until_idle();
  CHECK_FALSE(ended.is_ready());
  CHECK(here.on(here.server, shut(here.far.number(), SHUT_RD)) == 0);
  here.world.run_until_idle();
  CHECK(ended.is_ready());
  CHECK(here.on(here.client, here.near.write_all("abc")) == 0);
  here.world.run_until_idle();
  CHECK(here.on(here.server, reading()) == 3);
  CHECK(here.on(here.server, reading()) == 0);
}

TEST_CASE("network: closing a listener resets its unaccepted connections", "[sim][network]") {
  two_hosts here;
  here.listen();
  here.near = here.world.run_on(here.client, tcp::connect(here.at_server()));
  here.world.run_until_idle();
  CHECK(here.on(here.server, here.listening.close()) == 0);
  std::string got = room(3);
  CHECK(here.on(here.client, here.near.read_some(got)) == -ECONNRESET);
  CHECK(here.on(here.client, tcp::connect(here.at_server())) == -ECONNREFUSED);
}

TEST_CASE("network: a connection that was reset can still be accepted", "[sim][network]") {
  two_hosts here;
  here.listen();
  here.near = here.world.run_on(here.client, tcp::connect(here.at_server()));
  here.resets(here.client, here.near);
  here.world.run_until_idle();
  here.far = here.world.run_on(here.server, here.listening.accept());
  std::string got = room(3);
  CHECK(here.on(here.server, here.far.read_some(got)) == -ECONNRESET);
}

TEST_CASE("network: an accept without a free descriptor loses no connection", "[sim][network]") {
  sim::world world(3);
  sim::host& server = world.add_host("server", {.most_descriptors = 2});
  sim::host& client = world.add_host("client");
  const auto listening = world.run_on(server, tcp::listen(everywhere));
  auto near = world.run_on(client, tcp::connect(endpoint("10.0.0.1", everywhere.port())));
  world.run_until_idle();
  auto taken = world.run_on(server, tcp::listen(endpoint("0.0.0.0", 0)));
  const auto refused = world.run_on(server, as_result(listening.accept()));
  REQUIRE_FALSE(refused);
  CHECK(refused.error() == std::errc::too_many_files_open);
  world.run_on(server, taken.close());
  const auto far = world.run_on(server, listening.accept());
  const current_loop_scope there(&server.its_loop());
  CHECK(far.peer_endpoint().to_string().starts_with("10.0.0.2:"));
}

TEST_CASE("network: incoming accepts all connections", "[sim][network]") {
  two_hosts here({.least_latency = 1ms, .most_latency = 9ms});
  here.listen();
  std::vector<tcp::stream> taken;
  const auto serve = [&]() -> task<void> {
    tcp::incoming arriving = here.listening.incoming();
    while (taken.size() != 50) taken.push_back(co_await arriving.next());
  };
  here.start_on(here.server, serve());
  std::vector<tcp::stream> made;
  for (int i = 0; i < 50; ++i) made.push_back(here.world.run_on(here.client, tcp::connect(here.at_server())));
  here.world.run_until_idle();
  CHECK(taken.size() == 50);
}

// ---- flow -----------------------------------------------------------------------------------------------

TEST_CASE("network: a sender is at most two buffers ahead of the receiver", "[sim][network]") {
  two_hosts here({.least_latency = 1ms, .most_latency = 2ms, .buffer_bytes = 1000});
  here.connect();
  CHECK(here.fill(here.client, here.near) == 2000);
  std::string got = room(300);
  CHECK(here.on(here.server, here.far.read_exactly(got)) == 0);
  CHECK(here.fill(here.client, here.near) == 300);
  // A read of more than a buffer's size must not wait without end.
  got = room(1500);
  CHECK(here.on(here.server, here.far.read_exactly(got)) == 0);
  CHECK(here.fill(here.client, here.near) == 1500);
}

TEST_CASE("network: 10 MB take the time of the link", "[sim][network]") {
  constexpr std::size_t size = 10'000'000;
  sim::network_options network{.bytes_per_second = 100'000'000};
  loop_clock::duration expected = 100ms;
  SECTION("on a link without a latency") {}
  SECTION("with a latency that the buffers cover") {
    network.least_latency = network.most_latency = 100us;
    expected = 100ms + 100us;
  }
  SECTION("at a rate of a fraction of a nanosecond per byte") {
    network.bytes_per_second = 300'000'000;
    expected = 33'333'334ns;
  }
  SECTION("with one buffer per round trip") {
    network = {.least_latency = 10ms, .most_latency = 10ms};
    constexpr auto buffers = (size + (64 << 10) - 1) / (64 << 10);
    expected = (2 * buffers - 1) * 10ms;
  }
  two_hosts here(network);
  here.connect();
  const auto begun = here.elapsed();
  std::string sent(size, '\0'), got;
  for (std::size_t i = 0; i < size; ++i) sent[i] = static_cast<char>(i * 31 >> 4);
  const auto write = [&]() -> task<void> { co_await here.near.write_all(sent); };
  const auto read = [&]() -> task<void> {
    std::string piece = room(64 << 10);
    while (got.size() != size) got.append(piece, 0, co_await here.far.read_some(piece));
  };
  here.start_on(here.client, write());
  here.world.run_on(here.server, read());
  CHECK(here.elapsed() - begun == expected);
  CHECK((got == sent));
}

TEST_CASE("network: each direction has a link of its own", "[sim][network]") {
  two_hosts here({.bytes_per_second = 1000, .buffer_bytes = 1000});
  here.connect();
  const auto begun = here.elapsed();
  const auto talk = [](const tcp::stream& over) -> task<void> {
    const std::string sent(1000, 'x');
    std::string got = room(1000);
    co_await over.write_all(sent);
    co_await over.read_exactly(got);
  };
  here.start_on(here.server, talk(here.far));
  here.world.run_on(here.client, talk(here.near));
  CHECK(here.elapsed() - begun == 1s);
}

TEST_CASE("network: bytes keep their order under any delays", "[sim][network]") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    two_hosts here({.least_latency = 1us, .most_latency = 10ms}, seed);
    here.connect();
    const auto write = [&]() -> task<void> {
      for (int i = 0; i < 100; ++i) {
        co_await here.near.write_all(std::to_string(i) + " ");
        co_await sleep_for(100us);
      }
      co_await here.near.close();
    };
    std::string got, expected;
    const auto read = [&]() -> task<void> {
      std::string piece = room(1000);
      while (const std::size_t some = co_await here.far.read_some(piece)) got.append(piece, 0, some);
    };
    for (int i = 0; i < 100; ++i) expected += std::to_string(i) + " ";
    here.start_on(here.client, write());
    here.world.run_on(here.server, read());
    CHECK(got == expected);
  }
}

// ---- many, and again ------------------------------------------------------------------------------------

TEST_CASE("network: the same seed runs 1000 connections in the same way", "[sim][network]") {
  const auto run_all = [](std::uint64_t seed) {
    sim::world world({.seed = seed, .network = {.least_latency = 1ms, .most_latency = 20ms}});
    sim::host& server = world.add_host("server", {.most_descriptors = 2000});
    sim::host& client = world.add_host("client", {.most_descriptors = 2000});
    const auto serve = [&]() -> task<void> {
      const auto listening = tcp::listen_now(everywhere, {.backlog = 1000});
      for (int i = 0; i < 1000; ++i) {
        auto accepted = co_await listening.accept();
        detach([peer = std::move(accepted)]() mutable -> task<void> {
          std::string got = room(64);
          while (const std::size_t some = co_await peer.read_some(got))
            co_await peer.write_all(std::string_view(got).substr(0, some));
          co_await peer.close();
        });
      }
    };
    {
      const current_loop_scope there(&server.its_loop());
      detach(serve());
    }
    int echoed = 0;
    std::vector<task<void>> clients;
    for (int i = 0; i < 1000; ++i)
      clients.push_back([](std::string text, int& count) -> task<void> {
        auto peer = co_await tcp::connect(endpoint("10.0.0.1", everywhere.port()));
        co_await peer.write_all(text);
        co_await peer.shutdown_send();
        std::string back = room(text.size());
        co_await peer.read_exactly(back);
        const std::size_t more = co_await peer.read_some(back);
        if (back == text && more == 0) ++count;
      }("client " + std::to_string(i), echoed));
    world.run_on(client, when_all(std::move(clients)));
    CHECK(echoed == 1000);
    return world.trace_hash();
  };
  const auto first = run_all(7);
  CHECK(run_all(7) == first);
  CHECK(run_all(8) != first);
}

TEST_CASE("network: a question and its answer work in every order of events", "[sim][network]") {
  const auto ask_once = [](sim::world& here) {
    sim::host& client = here.add_host("client");
    sim::host& server = here.add_host("server");
    const auto listening = here.run_on(server, tcp::listen(everywhere));
    const auto answer = [&]() -> task<void> {
      auto peer = co_await listening.accept();
      std::string got = room(1);
      while (co_await peer.read_some(got) != 0) co_await peer.write_all(got);
      co_await peer.close();
    };
    const auto ask = [&]() -> task<std::string> {
      auto peer = co_await tcp::connect(endpoint("10.0.0.2", everywhere.port()));
      co_await peer.write_all("a");
      co_await peer.shutdown_send();
      std::string got = room(2);
      const std::size_t some = co_await peer.read_some(got);
      got.resize(some);
      co_await peer.close();
      co_return got;
    };
    {
      const current_loop_scope there(&server.its_loop());
      detach(answer());
    }
    if (here.run_on(client, ask()) != "a") throw std::runtime_error("no answer");
    here.run_until_idle();
  };
  const sim::explored all = sim::exhaust(ask_once, {.network = {.least_latency = 1ms, .most_latency = 1ms}});
  CHECK(all.runs > 1);
}
