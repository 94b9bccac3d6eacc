// Clients that are late, and requests that wait too long.

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "braid/combine/current_deadline.hpp"
#include "braid/http/server.hpp"
#include "braid/style/get_stop_token.hpp"
#include "site.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

TEST_CASE("http::server: a client that is late gets 408, or is disconnected", "[http][server]") {
  const auto program = []() -> task<> {
    std::optional<stop_reason> why;
    const auto reads = [&why](http::request& asked) -> task<http::response> {
      const stop_token stop = co_await get_stop_token();
      auto reading = as_result(asked.body.text(100));
      const auto got = co_await std::move(reading);
      why = stop.reason();
      (void)got.value();
      co_return http::response(200, std::string(1 << 20, 'x'));
    };
    site here(reads);
    const auto begun = loop_clock::now();
    const auto after = [&] { return std::chrono::round<std::chrono::seconds>(loop_clock::now() - begun); };
    tcp::stream idle = co_await tcp::connect(here.at);
    const auto half = co_await talk(here.at, "GET / HT");
    CHECK(statuses_in(half) == statuses{408});
    CHECK(after() == 10s);
    const auto slow = co_await talk(here.at, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab");
    CHECK(statuses_in(slow) == statuses{408});
    CHECK(after() == 40s);
    CHECK(why == stop_reason::timed_out);
    const std::string nothing = co_await rest_of(idle);
    CHECK(nothing == "");
    CHECK(after() == 60s);
    // One that does not read.
    tcp::stream deaf = co_await tcp::connect(here.at);
    co_await deaf.write_all(get_request("/"));
    co_await sleep_for(40s);
    auto reading = as_result(rest_of(deaf));
    const auto got = co_await std::move(reading);
    CHECK((!got || got->size() < (1 << 20)));
    co_await here.close();
  };
  run_in(true, program);
}

TEST_CASE("http::server: a client that sends byte by byte dies at the head's deadline", "[http][server]") {
  const auto program = []() -> task<> {
    site here(hello);
    tcp::stream server = co_await tcp::connect(here.at);
    const auto begun = loop_clock::now();
    const auto drips = [&server]() -> task<> {
      for (;;) {
        co_await server.write_all("x");
        co_await sleep_for(1s);
      }
    };
    co_await server.write_all("GET /");
    auto dripping = spawn(drips);
    const std::string got = co_await rest_of(server);
    CHECK(statuses_in(got) == statuses{408});
    CHECK(std::chrono::round<std::chrono::seconds>(loop_clock::now() - begun) == 10s);
    dripping.request_stop();
    auto ending = as_result(std::move(dripping));
    (void)co_await std::move(ending);
    co_await here.close();
  };
  run_in(true, program);
}

TEST_CASE("http::server: a request that waits too long for its handler gets 503", "[http][server]") {
  const auto program = []() -> task<> {
    const auto takes_long = [](http::request&) -> task<http::response> {
      co_await sleep_for(3s);
      co_return http::response(200);
    };
    http::server_options how;
    how.overload = {.at_once = 1, .waiting = 10, .longest_wait = 1s};
    site here(takes_long, std::move(how));
    auto first = spawn(talk(here.at, last_request("/")));
    co_await sleep_for(1ms);
    const auto begun = loop_clock::now();
    const auto second = co_await talk(here.at, last_request("/"));
    CHECK(statuses_in(second) == statuses{503});
    CHECK(std::chrono::round<std::chrono::milliseconds>(loop_clock::now() - begun) == 1s);
    const auto of_first = co_await std::move(first);
    CHECK(statuses_in(of_first) == statuses{200});
    co_await here.close();
  };
  run_in(true, program);
}

TEST_CASE("http::server: the client's deadline is its handler's", "[http][server]") {
  const auto program = []() -> task<> {
    std::optional<loop_clock::duration> left;
    const auto waits = [&](http::request&) -> task<http::response> {
      const auto end = co_await current_deadline();
      if (end) left = *end - loop_clock::now();
      co_await sleep_for(1s);
      co_return http::response(200);
    };
    site here(waits);
    const auto short_of_time = co_await talk(here.at, last_request("/", "request-timeout-ms: 300\r\n"));
    CHECK(statuses_in(short_of_time) == statuses{504});
    REQUIRE(left);
    CHECK(std::chrono::round<std::chrono::milliseconds>(*left) == 300ms);
    left.reset();
    const auto odd = co_await talk(here.at, last_request("/", "request-timeout-ms: soon\r\n"));
    CHECK(statuses_in(odd) == statuses{200});
    CHECK_FALSE(left);
    co_await here.close();
  };
  run_in(true, program);
}
