#include "braid/net/graceful_shutdown.hpp"

#include <array>
#include <chrono>
#include <csignal>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/net/serve.hpp"
#include "braid/process/signal_set.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/sim/explore.hpp"
#include "braid/sim/world.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/get_stop_token.hpp"
#include "braid/style/shield.hpp"
#include "braid/style/spawn.hpp"
#include "braid/sync/event.hpp"
#include "catch.hpp"
#include "descriptors.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

// Answers each byte by another one, until the client ends.
task<> echo(tcp::stream client) {
  std::array<char, 1> one;
  for (;;) {
    const std::size_t got = co_await client.read_some(one);
    if (got == 0) co_return;
    co_await client.write_all(one);
  }
}

// The same, but a connection without a request ends when the server closes.
task<> echo_until_closing(tcp::stream client, stop_token closing) {
  std::array<char, 1> one;
  for (;;) {
    const std::size_t got = co_await with_stop_token(client.read_some(one), closing);
    if (got == 0) co_return;
    co_await sleep_for(1s);
    co_await client.write_all(one);
    if (closing.stop_requested()) co_return;
  }
}

task<tcp::stream> client_of(endpoint to) {
  tcp::stream made = co_await tcp::connect(to);
  std::string one = "x";
  co_await made.write_all(one);
  co_await made.read_exactly(one);
  co_return made;
}

constexpr std::uint16_t port = 80;

}  // namespace

TEST_CASE("graceful_shutdown: lets handlers finish, and accepts no more", "[net][graceful_shutdown]") {
  IN_EVERY_STYLE(style);
  const auto before = open_descriptors();
  {
    loop here;
    tcp::listener door = tcp::listen_now(endpoint::loopback());
    const endpoint at = door.local_endpoint();
    const auto program = [&]() -> task<> {
      event begun;
      shutdown_report how;
      const auto server = [&](scope& all) -> task<> {
        all.spawn(tcp::serve(door, echo));
        co_await begun.wait();
        how = co_await graceful_shutdown(door, all, 1h);
      };
      const auto clients = [&]() -> task<> {
        std::vector<tcp::stream> three;
        for (int i = 0; i < 3; ++i) three.push_back(co_await client_of(at));
        begun.set();
        while (door.is_open()) co_await yield();
        for (tcp::stream& each : three) {
          std::string one = "y";
          co_await each.write_all(one);
          co_await each.read_exactly(one);
          co_await each.close();
        }
      };
      (void)co_await when_all(with_scope(server), clients);
      auto another = as_result(tcp::connect(at));
      const auto refused = co_await std::move(another);
      CHECK(refused == std::errc::connection_refused);
      CHECK(how.finished == 3);
      CHECK(how.cut == 0);
    };
    CHECK(style.wait(program));
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("graceful_shutdown: stops the handlers that still run at the deadline",
          "[net][graceful_shutdown]") {
  IN_EVERY_STYLE(style);
  loop here;
  tcp::listener door = tcp::listen_now(endpoint::loopback());
  const auto program = [&]() -> task<> {
    bool stopped_by_shutdown = false;
    const auto waits = [&](tcp::stream client) -> task<> {
      std::string one = "?";
      co_await client.read_exactly(one);
      co_await client.write_all(one);
      auto reading = as_result(client.read_exactly(one));
      const auto ended = co_await std::move(reading);
      const stop_token stop = co_await get_stop_token();
      stopped_by_shutdown = !ended && stop.reason() == stop_reason::shut_down;
      (void)ended.value();
    };
    shutdown_report how;
    const auto server = [&](scope& all) -> task<> {
      all.spawn(tcp::serve(door, waits));
      all.spawn(sleep_for(24h));  // ends with the scope
      const tcp::stream client = co_await client_of(door.local_endpoint());
      how = co_await graceful_shutdown(door, all, loop_clock::now());
    };
    co_await with_scope(server);
    CHECK(how.finished == 0);
    CHECK(how.cut == 1);
    CHECK(stopped_by_shutdown);
  };
  CHECK(style.wait(program));
}

TEST_CASE("graceful_shutdown: a stop request is the deadline", "[net][graceful_shutdown]") {
  loop here;
  tcp::listener door = tcp::listen_now(endpoint::loopback());
  signal_set again{SIGUSR1};
  const auto program = [&]() -> task<> {
    const auto server = [&](scope& all) -> task<> {
      all.spawn(tcp::serve(door, echo));
      const tcp::stream client = co_await client_of(door.local_endpoint());
      stop_source second;
      auto ending = spawn(with_stop_token(graceful_shutdown(door, all, 1h), second.get_token()));
      ::raise(SIGUSR1);
      (void)co_await again.next();
      second.request_stop();
      auto report = shield(std::move(ending));
      const shutdown_report how = co_await std::move(report);
      CHECK(how.cut == 1);
    };
    co_await with_scope(server);
  };
  here.run(program);
}

TEST_CASE("graceful_shutdown: without a server, or with one that has ended, it closes the listener",
          "[net][graceful_shutdown]") {
  loop here;
  tcp::listener door = tcp::listen_now(endpoint::loopback());
  const auto program = [&]() -> task<> {
    const auto twice = [&](scope& all) -> task<> {
      const shutdown_report how = co_await graceful_shutdown(door, all, 1h);
      CHECK(how.finished + how.cut == 0);
      const shutdown_report again = co_await graceful_shutdown(door, all, 1h);
      CHECK(again.finished + again.cut == 0);
    };
    co_await with_scope(twice);
    CHECK_FALSE(door.is_open());
  };
  here.run(program);
}

// One client is idle, one has a request in progress, one asks for more than the deadline allows.
TEST_CASE("graceful_shutdown: in every order idle connections end, requests finish, and the deadline holds",
          "[net][graceful_shutdown][sim]") {
  sim::explore(200, [](sim::world& here) {
    shutdown_report how;
    loop_clock::duration took{};
    const auto serves = [&](sim::host&) -> task<> {
      tcp::listener door = co_await tcp::listen(endpoint("0.0.0.0", port));
      const auto handle = [](tcp::stream client, stop_token closing) -> task<> {
        std::string first = "?";
        co_await client.read_exactly(first);
        if (first == "s")  // slow
          co_await sleep_for(1h);
        co_await echo_until_closing(std::move(client), closing);
      };
      const auto server = [&](scope& all) -> task<> {
        all.spawn(tcp::serve(door, handle));
        co_await sleep_for(500ms);
        const auto begin = loop_clock::now();
        how = co_await graceful_shutdown(door, all, 10s);
        took = loop_clock::now() - begin;
      };
      co_await with_scope(server);
    };
    const sim::host& at = here.add_host("server", {.program = serves});
    const auto client = [&at](std::string sends, std::string gets) {
      return [&at, sends, gets](sim::host&) -> task<> {
        co_await sleep_for(1ms);
        tcp::stream to = co_await tcp::connect(endpoint(at.address(), port));
        co_await to.write_all(sends);
        std::string got, part(8, '?');
        for (;;) {
          auto reading = as_result(to.read_some(part));
          const result<std::size_t> some = co_await std::move(reading);
          if (!some || *some == 0) break;
          got += part.substr(0, *some);
        }
        if (got != gets) throw std::runtime_error("the client got \"" + got + "\"");
      };
    };
    here.add_host("idle", {.program = client("i", "")});
    here.add_host("busy", {.program = client("ib", "b")});
    here.add_host("slow", {.program = client("s", "")});
    here.run_until_idle();
    if (how.finished != 2 || how.cut != 1)
      throw std::runtime_error(std::to_string(how.finished) + " finished, " + std::to_string(how.cut) +
                               " were cut");
    if (took < 10s || took > 10s + 100ms) throw std::runtime_error("the deadline does not hold");
  });
}

TEST_CASE("graceful_shutdown: can be cancelled at each await", "[net][graceful_shutdown][cancellation]") {
  const auto program = []() -> task<> {
    tcp::listener door = tcp::listen_now(endpoint::loopback());
    serve_options quiet;
    quiet.on_error = [](const error&) {};  // a client that is cancelled may reset its connection
    const auto server = [&](scope& all) -> task<> {
      all.spawn(tcp::serve(door, echo_until_closing, std::move(quiet)));
      const tcp::stream client = co_await tcp::connect(door.local_endpoint());
      co_await yield();
      const shutdown_report how = co_await graceful_shutdown(door, all, 1h);
      if (how.cut > 1) throw std::runtime_error("a connection too many");
    };
    co_await with_scope(server);
  };
  CHECK(every_cancellation_with_memory(program) >= 3);
}
