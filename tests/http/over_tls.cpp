// HTTP over TLS, with the samples of docs/http.md.

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "braid/http/client.hpp"
#include "braid/http/server.hpp"
#include "braid/net/buffered_reader.hpp"
#include "braid/net/serve.hpp"
#include "braid/style/async_generator.hpp"
#include "braid/tls/accept.hpp"
#include "braid/tls/connect.hpp"
#include "site.hpp"
#include "tls/authority.hpp"

namespace {

namespace http = braid::http;
namespace tls = braid::tls;

// [server]
braid::task<> serve_over_tls(const braid::tcp::listener& door, http::server& pages, tls::context serving) {
  const auto one = [&](braid::tcp::stream client) -> braid::task<> {
    const braid::endpoint peer = client.peer_endpoint();
    tls::stream secure = co_await tls::accept(std::move(client), serving);
    co_await pages.serve(std::move(secure), peer);
  };
  co_await braid::tcp::serve(door, one);
}
// [/server]

// [client]
http::client_options over_tls(tls::context trusting) {
  http::client_options how;
  how.connects = [trusting](http::url to) -> braid::task<braid::any_stream> {
    tls::stream made = co_await tls::connect(to.host, std::to_string(to.port), trusting);
    co_return braid::any_stream(std::move(made));
  };
  return how;
}
// [/client]

braid::async_generator<std::string> breaks_off() {
  co_yield "part\n";
  throw std::runtime_error("out of lines");
}

}  // namespace

using namespace braid;
using namespace braid_tests;

TEST_CASE("http: works over TLS", "[http][tls]") {
  const authority ours;
  const tls::context serving(serves_as(ours.issue()));
  const auto program = [&]() -> task<> {
    http::server_options how;
    how.limits.body = 500'000;
    std::optional<endpoint> peer;
    http::server pages(
        [&peer](http::request& asked) -> task<http::response> {
          peer = asked.peer;
          std::string text = co_await asked.body.text(1 << 20);
          co_return http::response(200, std::move(text));
        },
        std::move(how));
    tcp::listener door = tcp::listen_now(endpoint::loopback());
    auto running = spawn(serve_over_tls(door, pages, serving));
    const std::string url = "https://" + door.local_endpoint().to_string() + "/";
    const auto fetch = [&url](http::client& web, std::string sent) -> task<std::string> {
      http::request asked("POST", url, std::move(sent));
      http::response got = co_await web.fetch(std::move(asked));
      const std::string text = co_await got.body.text(1 << 20);
      co_return std::to_string(got.status) + " " + text;
    };
    {
      http::client web(over_tls(tls::context(trusts(ours))));
      const std::string small = co_await fetch(web, "hello");
      CHECK(small == "200 hello");
      const std::string large = co_await fetch(web, std::string(400'000, 'x'));
      CHECK(large == "200 " + std::string(400'000, 'x'));
      CHECK(web.idle_connections() == 1);
      CHECK(pages.metrics().connections == 1);
      CHECK(peer);
      // Refused while it is being sent: the answer arrives, and the connection ends.
      const std::string refused = co_await fetch(web, std::string(900'000, 'x'));
      CHECK(refused == "413 ");
      CHECK(web.idle_connections() == 0);
      const std::string again = co_await fetch(web, "again");
      CHECK(again == "200 again");
    }
    http::client plain;
    auto without = as_result(fetch(plain, ""));
    const auto unsupported = co_await std::move(without);
    CHECK(unsupported.error() == std::errc::protocol_not_supported);
    pages.request_shutdown();
    co_await door.close();
    co_await std::move(running);
    CHECK(pages.metrics().connections == 0);
  };
  run_in(GENERATE(true, false), program);
}

TEST_CASE("http: over TLS, too, no client of HTTP/1.0 takes a part of a response for the whole",
          "[http][tls]") {
  const authority ours;
  const tls::context serving(serves_as(ours.issue())), trusting(trusts(ours));
  const auto program = [&]() -> task<> {
    http::server_options how;
    how.on_error = [](const error&) {};
    const auto answers = [](http::request&) -> task<http::response> {
      http::response given;
      given.body = http::body::from(breaks_off());
      co_return given;
    };
    http::server pages(answers, std::move(how));
    tcp::listener door = tcp::listen_now(endpoint::loopback());
    auto running = spawn(serve_over_tls(door, pages, serving));
    tcp::stream below = co_await tcp::connect(door.local_endpoint());
    tls::stream server = co_await tls::connect(std::move(below), "localhost", trusting);
    co_await server.write_all("GET / HTTP/1.0\r\n\r\n");
    buffered_reader lines(server);
    result<std::optional<std::string>> line;
    bool has_body = false;
    do {
      auto reading = as_result(lines.read_line(1000));
      line = co_await std::move(reading);
      has_body = has_body || (line && *line == "part");
    } while (line && *line);
    CHECK(has_body);
    CHECK_FALSE(line);  // no orderly end
    co_await door.close();
    co_await std::move(running);
  };
  run_in(GENERATE(true, false), program);
}
