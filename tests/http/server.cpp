#include "braid/http/server.hpp"

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "braid/combine/scope.hpp"
#include "braid/core/async_stack.hpp"
#include "braid/http/status.hpp"
#include "braid/net/graceful_shutdown.hpp"
#include "braid/style/async_generator.hpp"
#include "braid/style/get_stop_token.hpp"
#include "braid/sync/event.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "site.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

task<http::response> echo(http::request& asked) {
  http::response given;
  given.body = std::move(asked.body);
  co_return given;
}

async_generator<std::string> numbers(int n) {
  for (int i = 0; i < n; ++i) {
    co_await sleep_for(1ms);
    co_yield std::to_string(i) + "\n";
  }
}
async_generator<std::string> breaks() {
  co_yield "first\n";
  co_await sleep_for(1ms);
  throw std::runtime_error("out of lines");
}

}  // namespace

TEST_CASE("http::server: works in every style, over any stream", "[http][server]") {
  IN_EVERY_STYLE(style);
  std::string sent;
  http::server all(hello);
  CHECK(style.wait(all.serve(scripted({last_request("/")}, sent))));
  CHECK(responses_in(sent).at(0).body == "hello");
  CHECK(all.metrics().requests == 1);
  CHECK(all.metrics().connections == 0);
}

TEST_CASE("http::server: streams bodies in both directions", "[http][server]") {
  const auto program = []() -> task<> {
    http::router routes;
    routes.post("/echo", echo);
    routes.get("/numbers", [](http::request&) -> task<http::response> {
      http::response given;
      given.body = http::body::from(numbers(3));
      co_return given;
    });
    site here(std::move(routes));
    const std::string large(300'000, 'x');
    const std::string post = "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
    const auto sized = co_await talk(here.at, post + "Content-Length: 300000\r\n\r\n" + large);
    CHECK(responses_in(sized).at(0).body == large);
    const auto chunked =
        co_await talk(here.at, post + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n");
    CHECK(responses_in(chunked).at(0).body == "abcd");
    const auto made = co_await talk(here.at, get_request("/numbers") + last_request("/numbers"));
    CHECK(responses_in(made).at(0).body == "0\n1\n2\n");
    CHECK(responses_in(made).at(1).body == "0\n1\n2\n");
    const auto old = co_await talk(here.at, "GET /numbers HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    CHECK(old.ends_with("Connection: close\r\n\r\n0\n1\n2\n"));
    const auto head =
        co_await talk(here.at, "HEAD /numbers HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    CHECK(responses_in(head, true).at(0).head.find("chunked") != std::string::npos);
    co_await here.close();
  };
  run_in(GENERATE(true, false), program);
}

TEST_CASE("http::server: a client that goes away stops its handler", "[http][server]") {
  const auto program = []() -> task<> {
    event begun, ended;
    std::optional<stop_reason> why;
    const auto waits = [&](http::request&) -> task<http::response> {
      const stop_token stop = co_await get_stop_token();
      begun.set();
      auto sleeping = as_result(sleep_for(1h));
      const auto slept = co_await std::move(sleeping);
      why = stop.reason();
      ended.set();
      slept.value();
      co_return http::response(200);
    };
    site here(waits);
    tcp::stream client = co_await tcp::connect(here.at);
    co_await client.write_all(get_request("/"));
    co_await begun.wait();
    co_await client.close();
    co_await ended.wait();
    CHECK(why == stop_reason::not_needed);
    co_await here.close();
  };
  run_in(GENERATE(true, false), program);
}

TEST_CASE("http::server: a handler that throws is answered with 500 and reported with its stack",
          "[http][server]") {
  const auto program = []() -> task<> {
    std::vector<std::string> reports;
    http::server_options how;
    how.on_error = [&](const error& why) { reports.push_back(why.message() + "\n" + format_stack(why)); };
    const auto fails = [](http::request& asked) -> task<http::response> {
      co_await sleep_for(1ms);
      if (asked.path() == "/teapot") http::status_error(418, "tea").rethrow();
      if (asked.path() == "/stream") {
        http::response given;
        given.body = http::body::from(breaks());
        co_return given;
      }
      if (asked.path() == "/odd") co_return http::response(99);
      if (asked.path() == "/") throw std::runtime_error("no mood");
      co_return http::response(204);
    };
    site here(fails, std::move(how));
    const auto got = co_await talk(
        here.at, get_request("/") + get_request("/teapot") + get_request("/odd") + last_request("/fine"));
    CHECK(statuses_in(got) == statuses{500, 418, 500, 204});
    REQUIRE(reports.size() == 2);
    CHECK(reports[0].starts_with("no mood\n"));
    CHECK(reports[0].find("server.cpp") != std::string::npos);
    const auto cut = co_await talk(here.at, get_request("/stream") + get_request("/fine"));
    CHECK(cut.ends_with("first\n\r\n"));  // without the last chunk
    CHECK(reports.back().starts_with("out of lines"));
    co_await here.close();
  };
  run_in(GENERATE(true, false), program);
}

TEST_CASE("http::server: each limit has its status", "[http][server]") {
  const auto program = []() -> task<> {
    const auto reads = [](http::request& asked) -> task<http::response> {
      std::string got = co_await asked.body.text(1 << 30);
      co_return http::response(200, std::move(got));
    };
    http::server_options how;
    how.limits.body = 1000;
    how.limits.requests_per_connection = 3;
    site here(reads, std::move(how));
    const auto ask = [&](std::string bytes) { return talk(here.at, std::move(bytes)); };
    const auto long_target = co_await ask(get_request("/" + std::string(9000, 'a')));
    CHECK(statuses_in(long_target) == statuses{414});
    const auto endless_target = co_await ask("GET /" + std::string(100'000, 'a'));
    CHECK(statuses_in(endless_target) == statuses{414});
    const auto large_head = co_await ask(get_request("/", "A: " + std::string(40'000, 'a') + "\r\n"));
    CHECK(statuses_in(large_head) == statuses{431});
    std::string many;
    for (int i = 0; i < 101; ++i) many += "A: b\r\n";
    const auto many_fields = co_await ask(get_request("/", many));
    CHECK(statuses_in(many_fields) == statuses{431});
    const std::string post = "POST / HTTP/1.1\r\nHost: x\r\n";
    const auto long_body = co_await ask(post + "Content-Length: 1001\r\n\r\n" + std::string(1001, 'x'));
    CHECK(statuses_in(long_body) == statuses{413});
    std::string chunks = post + "Transfer-Encoding: chunked\r\n\r\n";
    for (int i = 0; i < 400; ++i) chunks += "a\r\n0123456789\r\n";
    const auto many_chunks = co_await ask(chunks);
    CHECK(statuses_in(many_chunks) == statuses{413});
    const auto framing =
        co_await ask(post + "Transfer-Encoding: chunked\r\n\r\n" + "1;" + std::string(200'000, 'a'));
    CHECK(statuses_in(framing) == statuses{413});
    const auto four = co_await ask(get_request("/") + get_request("/") + get_request("/") + get_request("/"));
    CHECK(statuses_in(four) == statuses{200, 200, 200});
    co_await here.close();
  };
  run_in(GENERATE(true, false), program);
}

TEST_CASE("http::server: beyond its bounds it answers 503 and stays fast", "[http][server]") {
  const auto program = []() -> task<> {
    const auto takes_a_second = [](http::request&) -> task<http::response> {
      co_await sleep_for(1s);
      co_return http::response(200);
    };
    http::server_options how;
    how.overload = {.at_once = 1, .waiting = 1, .longest_wait = 1500ms, .retry_after = 7s};
    how.limits.connections = 3;
    site here(takes_a_second, std::move(how));
    const auto begun = loop_clock::now();
    const auto took = [&] {
      return std::chrono::round<std::chrono::milliseconds>(loop_clock::now() - begun);
    };
    auto first = spawn(talk(here.at, last_request("/")));
    co_await sleep_for(1ms);
    auto second = spawn(talk(here.at, get_request("/") + last_request("/")));
    co_await sleep_for(1ms);
    const auto third = co_await talk(here.at, last_request("/"));
    CHECK(statuses_in(third) == statuses{503});
    CHECK(third.find("retry-after: 7\r\n") != std::string::npos);
    CHECK(took() < 5ms);
    co_await sleep_for(1ms);  // its connection has ended
    tcp::stream idle = co_await tcp::connect(here.at);
    co_await sleep_for(1ms);
    const auto fourth = co_await talk(here.at, get_request("/"));
    CHECK(statuses_in(fourth) == statuses{503});  // the fourth connection
    CHECK(took() < 10ms);
    const auto of_first = co_await std::move(first);
    CHECK(statuses_in(of_first) == statuses{200});
    CHECK(took() < 1100ms);
    const auto of_second = co_await std::move(second);
    CHECK(statuses_in(of_second) == statuses{200, 200});
    CHECK(took() < 3100ms);
    co_await here.close();
  };
  run_in(true, program);
}

TEST_CASE("http::server: says when the body may come, and takes one that nobody reads out of the way",
          "[http][server]") {
  const auto program = []() -> task<> {
    http::router routes;
    routes.post("/read", [](http::request& asked) -> task<http::response> {
      std::string got = co_await asked.body.text(1 << 20);
      co_return http::response(200, std::move(got));
    });
    routes.post("/refuse", [](http::request&) -> task<http::response> { co_return http::response(403); });
    site here(std::move(routes));
    const auto head = [](const char* path, std::size_t length, const char* more) {
      return "POST " + std::string(path) +
             " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(length) + "\r\n" + more + "\r\n";
    };
    tcp::stream polite = co_await tcp::connect(here.at);
    co_await polite.write_all(head("/read", 3, "Expect: 100-continue\r\nConnection: close\r\n"));
    const std::string go_on = co_await up_to(polite, "\r\n\r\n");
    CHECK(go_on == "HTTP/1.1 100 Continue\r\n\r\n");
    co_await polite.write_all("abc");
    const std::string answer = co_await rest_of(polite);
    CHECK(responses_in(answer).at(0).body == "abc");
    const auto refused = co_await talk(here.at, head("/refuse", 3, "Expect: 100-continue\r\n"));
    CHECK(statuses_in(refused) == statuses{403});
    const auto dropped = co_await talk(
        here.at, head("/refuse", 5, "") + "GET /" + head("/read", 1, "Connection: close\r\n") + "x");
    CHECK(statuses_in(dropped) == statuses{403, 200});
    const auto large = co_await talk(here.at, head("/refuse", 150'000, "") + std::string(150'000, 'x'));
    CHECK(statuses_in(large) == statuses{403});  // and no reset
    CHECK(large.find("Connection: close") != std::string::npos);
    co_await here.close();
  };
  run_in(GENERATE(true, false), program);
}

TEST_CASE("http::server: tells the access log what it did, and closes idle connections at its shutdown",
          "[http][server]") {
  const auto program = []() -> task<> {
    std::vector<std::string> lines;
    std::optional<endpoint> peer_seen;
    http::server_options how;
    how.on_access = [&](const http::access& done) {
      peer_seen = done.asked.peer;
      lines.push_back(done.asked.method + " " + done.asked.target + " " + std::to_string(done.status) + " " +
                      std::to_string(done.body_bytes));
    };
    http::server all(hello, std::move(how));
    tcp::listener door = tcp::listen_now(endpoint::loopback());
    const endpoint at = door.local_endpoint();
    const auto serves = [&]() -> task<> {
      tcp::stream client = co_await door.accept();
      const endpoint peer = client.peer_endpoint();
      co_await all.serve(std::move(client), peer);
    };
    auto serving = spawn(serves);
    tcp::stream client = co_await tcp::connect(at);
    co_await client.write_all(get_request("/a"));
    (void)co_await up_to(client, "hello");
    co_await client.write_all("HEAD /b HTTP/1.1\r\nHost: x\r\n\r\n");
    (void)co_await up_to(client, "\r\n\r\n");
    CHECK(lines == std::vector<std::string>{"GET /a 200 5", "HEAD /b 200 0"});
    CHECK(peer_seen == client.local_endpoint());
    all.request_shutdown();
    const std::string rest = co_await rest_of(client);
    CHECK(rest == "");
    co_await std::move(serving);
    co_await door.close();
  };
  run_in(GENERATE(true, false), program);
}

TEST_CASE("http::server: can be cancelled at each await", "[http][server][cancellation]") {
  const auto program = []() -> task<> {
    http::router routes;
    routes.post("/echo", echo);
    routes.get("/wait", [](http::request&) -> task<http::response> {
      co_await yield();
      co_return http::response(200, "waited");
    });
    http::server_options how;
    how.on_error = [](const error&) {};
    http::server all(std::move(routes), std::move(how));
    std::string sent;
    const std::string post = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n";
    std::vector<std::string> pieces{get_request("/wait"), post, "0\r\n\r\n" + last_request("/wait")};
    co_await all.serve(scripted(std::move(pieces), sent));
  };
  CHECK(every_cancellation_with_memory(program) >= 3);
}
