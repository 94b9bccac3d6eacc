#include "braid/net/graceful_shutdown.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "braid/combine/scope.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/http/router.hpp"
#include "braid/http/server.hpp"
#include "braid/style/get_stop_token.hpp"
#include "site.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

TEST_CASE("http::serve: once its listener is closed, connections end behind their next response",
          "[http][server]") {
  const auto program = []() -> task<> {
    site here(hello);
    tcp::stream busy = co_await tcp::connect(here.at);
    tcp::stream idle = co_await tcp::connect(here.at);
    co_await busy.write_all(get_request("/"));
    (void)co_await up_to(busy, "hello");
    auto draining = spawn(here.drain());
    co_await sleep_for(1s);
    CHECK_FALSE(draining.is_ready());
    co_await busy.write_all(get_request("/") + get_request("/"));
    const std::string last = co_await rest_of(busy);
    CHECK(statuses_in(last) == statuses{200});
    CHECK(last.find("Connection: close\r\n") != std::string::npos);
    co_await std::move(draining);
    const std::string nothing = co_await rest_of(idle);
    CHECK(nothing == "");
  };
  run_in(true, program);
}

TEST_CASE(
    "http::serve: graceful_shutdown tells the connections, lets requests finish, and holds its deadline",
    "[http][server][graceful_shutdown]") {
  const auto program = []() -> task<> {
    tcp::listener door = tcp::listen_now(endpoint::loopback());
    const endpoint at = door.local_endpoint();
    std::optional<stop_reason> why;
    http::router routes;
    routes.get("/quick", hello);
    routes.get("/busy", [](http::request&) -> task<http::response> {
      co_await sleep_for(5s);
      co_return http::response(200, "done");
    });
    routes.get("/slow", [&why](http::request&) -> task<http::response> {
      const stop_token stop = co_await get_stop_token();
      auto sleeping = as_result(sleep_for(1h));
      const auto slept = co_await std::move(sleeping);
      why = stop.reason();
      slept.value();
      co_return http::response(200);
    });
    shutdown_report how;
    loop_clock::time_point begun{};
    const auto after = [&] { return std::chrono::round<std::chrono::seconds>(loop_clock::now() - begun); };
    const auto server = [&](scope& all) -> task<> {
      all.spawn(http::serve(door, std::move(routes)));
      co_await sleep_for(1s);
      begun = loop_clock::now();
      how = co_await graceful_shutdown(door, all, 10s);
      CHECK(after() == 10s);
    };
    const auto idle = [&]() -> task<> {  // between two requests
      tcp::stream one = co_await tcp::connect(at);
      co_await one.write_all(get_request("/quick"));
      (void)co_await up_to(one, "hello");
      const std::string end = co_await rest_of(one);
      CHECK(end == "");
      CHECK(after() == 0s);
    };
    const auto fresh = [&](bool asks) -> task<> {  // before its first request
      tcp::stream one = co_await tcp::connect(at);
      co_await sleep_for(asks ? 2s : 0s);
      if (asks) co_await one.write_all(get_request("/quick"));
      const std::string answer = co_await rest_of(one);
      CHECK(statuses_in(answer) == (asks ? statuses{200} : statuses{}));
      CHECK(after() == (asks ? 1s : 2s));
    };
    const auto busy = [&]() -> task<> {
      const std::string answer = co_await talk(at, get_request("/busy") + get_request("/quick"));
      CHECK(statuses_in(answer) == statuses{200});
      CHECK(answer.find("Connection: close\r\n") != std::string::npos);
      CHECK(after() == 4s);
    };
    const auto slow = [&]() -> task<> {
      auto talking = as_result(talk(at, get_request("/slow")));
      const auto answer = co_await std::move(talking);
      CHECK(answer.value_or("") == "");
      CHECK(after() == 10s);
    };
    co_await when_all(with_scope(server), idle, fresh(true), fresh(false), busy, slow);
    CHECK(how.finished == 4);
    CHECK(how.cut == 1);
    CHECK(why == stop_reason::shut_down);
  };
  run_in(true, program);
}
