// A response whose end is the end of its connection: to a client of HTTP/1.0, which knows no chunks.

#include <stdexcept>
#include <string>
#include <utility>

#include "braid/http/server.hpp"
#include "braid/style/async_generator.hpp"
#include "braid/sync/event.hpp"
#include "site.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

async_generator<std::string> some_lines(bool all) {
  co_yield "first\n";
  co_await sleep_for(1ms);
  if (!all) throw std::runtime_error("out of lines");
  co_yield "second\n";
}
async_generator<std::string> waits_for(event& never) {
  co_yield "first\n";
  co_await never.wait();
}

const std::string old_request = "GET / HTTP/1.0\r\n\r\n";

}  // namespace

TEST_CASE("http::server: no client of HTTP/1.0 takes a response that is cut short for the whole",
          "[http][server]") {
  const auto program = []() -> task<> {
    int reports = 0;
    bool all = true;
    http::server_options how;
    how.on_error = [&reports](const error&) { ++reports; };
    const auto answers = [&all](http::request&) -> task<http::response> {
      http::response given;
      given.body = http::body::from(some_lines(all));
      co_return given;
    };
    site here(answers, std::move(how));
    const std::string whole = co_await talk(here.at, old_request);
    CHECK(whole.ends_with("first\nsecond\n"));
    all = false;
    tcp::stream server = co_await tcp::connect(here.at);
    co_await server.write_all(old_request);
    const std::string part = co_await up_to(server, "first\n");
    auto reading = as_result(rest_of(server));
    const auto rest = co_await std::move(reading);
    REQUIRE_FALSE(rest);
    CHECK(rest.error() == std::errc::connection_reset);
    CHECK(reports == 1);
    // A client that knows chunks sees it by itself: its connection ends in order.
    const auto cut = co_await talk(here.at, last_request("/"));
    CHECK(cut.ends_with("first\n\r\n"));
    CHECK(reports == 2);
    co_await here.close();
  };
  run_in(GENERATE(true, false), program);
}

TEST_CASE("http::server: nor one that the server's end cuts short", "[http][server]") {
  const auto program = []() -> task<> {
    event never;
    const auto answers = [&never](http::request&) -> task<http::response> {
      http::response given;
      given.body = http::body::from(waits_for(never));
      co_return given;
    };
    site here(answers);
    tcp::stream server = co_await tcp::connect(here.at);
    co_await server.write_all(old_request);
    const std::string part = co_await up_to(server, "first\n");
    co_await here.close();
    auto reading = as_result(rest_of(server));
    const auto rest = co_await std::move(reading);
    REQUIRE_FALSE(rest);
    CHECK(rest.error() == std::errc::connection_reset);
  };
  run_in(GENERATE(true, false), program);
}
