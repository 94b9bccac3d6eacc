// Connections in the simulated world: cut off at every byte, in the smallest pieces, and with peers that
// fall silent.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "braid/base/unique_function.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/loop/clock.hpp"
#include "braid/net/tcp.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/sim/world.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/spawn.hpp"
#include "braid/tls/accept.hpp"
#include "braid/tls/connect.hpp"
#include "braid/tls/error.hpp"
#include "catch.hpp"
#include "tls/connection.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

// A connection that ends, as one that crashes does, after so many bytes in one direction; it gives at most
// `at_once` bytes to a read.
struct cut_stream {
  tcp::stream under;
  std::size_t* left;
  std::size_t at_once;

  task<std::size_t> read_some(writable_bytes to) {
    const std::size_t most = std::min(to.size(), at_once);
    co_return co_await under.read_some(std::span(static_cast<char*>(to.data()), most));
  }
  task<> write_all(readable_bytes from) {
    const std::size_t whole = std::min(from.size(), *left);
    co_await under.write_all(std::span(static_cast<const char*>(from.data()), whole));
    *left -= whole;
    if (whole != from.size()) co_await under.shutdown_send();
  }
  task<> shutdown_send() { co_await under.shutdown_send(); }
  task<> close() { co_await under.close(); }
};

using end_of_connection = unique_function<task<>(tcp::stream)>;

task<> serves(end_of_connection& program) {
  const tcp::listener door = tcp::listen_now(endpoint("10.0.0.1", 443));
  tcp::stream client = co_await door.accept();
  co_await program(std::move(client));
}
task<> connects(end_of_connection& program) {
  co_await sleep_for(1ms);  // the server listens by then
  tcp::stream server = co_await tcp::connect(endpoint("10.0.0.1", 443));
  co_await program(std::move(server));
}

// Runs the two programs on two hosts; returns how long that took there.
loop_clock::duration in_a_world(end_of_connection server, end_of_connection client,
                                std::size_t buffer = 64 << 10) {
  sim::world here(sim::world_options{.seed = 7, .network = {.buffer_bytes = buffer}});
  sim::host_options how;
  how.program = [&server](sim::host&) { return serves(server); };
  here.add_host("server", std::move(how));
  here.run_on(here.add_host("client"), connects(client));
  here.run_until_idle();
  return here.now().time_since_epoch();
}

constexpr std::size_t no_limit = static_cast<std::size_t>(-1);

template <class S>
task<std::string> talk(S stream, std::string text) {
  co_await stream.write_all(text);
  co_await stream.shutdown_send();
  std::string all, part(100, '\0');
  for (;;) {
    const std::size_t got = co_await stream.read_some(part);
    if (got == 0) break;
    all.append(part, 0, got);
  }
  co_await stream.close();
  co_return all;
}

task<std::string> talk_as_server(tcp::stream plain, std::size_t& left, std::size_t at_once,
                                 std::string text) {
  cut_stream under{std::move(plain), &left, at_once};
  tls::stream secure = co_await tls::accept(std::move(under), here_and_now().serving);
  co_return co_await talk(std::move(secure), std::move(text));
}
task<std::string> talk_as_client(tcp::stream plain, std::size_t& left, std::size_t at_once,
                                 std::string text) {
  cut_stream under{std::move(plain), &left, at_once};
  tls::stream secure = co_await tls::connect(std::move(under), "localhost", here_and_now().trusting);
  co_return co_await talk(std::move(secure), std::move(text));
}

struct both_ended {
  std::optional<result<std::string>> server, client;
};

// A conversation of which only so many bytes get through, each way.
both_ended talk_over(std::size_t to_client, std::size_t to_server, std::size_t at_once) {
  both_ended how;
  in_a_world(
      [&](tcp::stream plain) -> task<> {
        auto talking = as_result(talk_as_server(std::move(plain), to_client, at_once, "world"));
        how.server.emplace(co_await std::move(talking));
      },
      [&](tcp::stream plain) -> task<> {
        auto talking = as_result(talk_as_client(std::move(plain), to_server, at_once, "hello"));
        how.client.emplace(co_await std::move(talking));
      });
  return how;
}

}  // namespace

TEST_CASE("tls: an end at any byte is told from an orderly one", "[tls][sim]") {
  std::size_t bytes = 0;
  SECTION("of what the server sends") {
    for (;; ++bytes) {
      const both_ended how = talk_over(bytes, no_limit, no_limit);
      if (*how.client) break;
      CAPTURE(bytes);
      REQUIRE(how.client->error() == tls::errc::truncated);
    }
  }
  SECTION("of what the client sends") {
    for (;; ++bytes) {
      const both_ended how = talk_over(no_limit, bytes, no_limit);
      if (*how.server) break;
      CAPTURE(bytes);
      REQUIRE(how.server->error() == tls::errc::truncated);
    }
  }
  CHECK(bytes > 300);
  CHECK(bytes < 3000);
}

TEST_CASE("tls: records may come in pieces of any size", "[tls][sim]") {
  for (const std::size_t at_once : {1, 2, 3, 5, 6, 100, 1000}) {
    CAPTURE(at_once);
    const both_ended how = talk_over(no_limit, no_limit, at_once);
    REQUIRE(how.server->has_value());
    REQUIRE(how.client->has_value());
    CHECK(**how.server == "hello");
    CHECK(**how.client == "world");
  }
}

TEST_CASE("tls: a handshake that stalls ends after its time", "[tls][sim]") {
  const auto silent = [](tcp::stream peer) -> task<> {
    std::string part(1000, '\0');
    for (;;) {
      const std::size_t got = co_await peer.read_some(part);
      if (got == 0) co_return;
    }
  };
  std::optional<result<tls::stream>> ended;
  loop_clock::duration took{};
  SECTION("of a client") {
    took = in_a_world(silent, [&](tcp::stream plain) -> task<> {
      auto shaking = as_result(tls::connect(std::move(plain), "localhost", here_and_now().trusting));
      ended.emplace(co_await std::move(shaking));
    });
    CHECK(ended->error().message() == "tls::connect localhost: the handshake took too long");
  }
  SECTION("of a server") {
    took = in_a_world(
        [&](tcp::stream plain) -> task<> {
          auto shaking = as_result(tls::accept(std::move(plain), here_and_now().serving));
          ended.emplace(co_await std::move(shaking));
        },
        silent);
    CHECK_THAT(ended->error().message(), contains("tls::accept 10.0.0.2:"));
  }
  CHECK(ended->error() == tls::errc::handshake_timed_out);
  CHECK(ended->error() == std::errc::timed_out);
  CHECK(took >= 10s);
  CHECK(took < 11s);
}

TEST_CASE("tls: close waits for a silent peer only so long", "[tls][sim]") {
  const auto hold = [](tcp::stream plain) -> task<> {
    tls::stream peer = co_await tls::accept(std::move(plain), here_and_now().serving);
    co_await sleep_for(1h);
  };
  std::optional<result<void>> closed;
  loop_clock::duration took{};
  const auto timed_close = [&](tls::stream& peer) -> task<> {
    const auto begun = loop_clock::now();
    auto closing = as_result(peer.close());
    closed.emplace(co_await std::move(closing));
    took = loop_clock::now() - begun;
  };
  SECTION("that answers nothing") {
    in_a_world(hold, [&](tcp::stream plain) -> task<> {
      tls::stream peer = co_await tls::connect(std::move(plain), "localhost", here_and_now().trusting);
      co_await peer.write_all("to the kernel");
      co_await timed_close(peer);
    });
    CHECK(closed->has_value());
  }
  SECTION("that takes nothing") {
    const auto fill = [&](tcp::stream plain) -> task<> {
      tls::stream peer = co_await tls::connect(std::move(plain), "localhost", here_and_now().trusting);
      const std::string much(100'000, 'x');
      auto writing = as_result(with_timeout(peer.write_all(much), 1s));
      const result<void> written = co_await std::move(writing);
      CHECK(written.error() == std::errc::timed_out);
      CHECK(written.error().transferred() > 0);
      co_await timed_close(peer);
    };
    in_a_world(hold, fill, 4096);
    REQUIRE_FALSE(closed->has_value());
    CHECK(closed->error() == std::errc::timed_out);
    CHECK(closed->error().message() == "tls::stream::close localhost: Timed out");
  }
  CHECK(took == 1s);
}

TEST_CASE("tls: close drops what still comes, and loses nothing that was written", "[tls][sim]") {
  const std::string much(50'000, 'x');
  std::string got;
  in_a_world(
      [&](tcp::stream plain) -> task<> {
        tls::stream peer = co_await tls::accept(std::move(plain), here_and_now().serving);
        co_await peer.write_all(much);  // nobody reads it
        std::string part(100, '\0');
        for (;;) {
          const std::size_t size = co_await peer.read_some(part);
          if (size == 0) break;
          got.append(part, 0, size);
        }
        co_await peer.close();
      },
      [&](tcp::stream plain) -> task<> {
        tls::stream peer = co_await tls::connect(std::move(plain), "localhost", here_and_now().trusting);
        co_await peer.write_all("the last words");
        co_await peer.close();
      });
  CHECK(got == "the last words");
}
