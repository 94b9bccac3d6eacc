#include "braid/http/client.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "braid/combine/current_deadline.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/style/async_generator.hpp"
#include "braid/style/shield.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "liar.hpp"
#include "site.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

async_generator<std::string> pieces(int n, std::size_t size) {
  for (int i = 0; i < n; ++i) {
    co_await yield();
    co_yield std::string(size, 'x');
  }
}

}  // namespace

TEST_CASE("http::client: fetches over one connection, with bodies in both directions", "[http][client]") {
  const auto program = []() -> task<> {
    http::router routes;
    routes.post("/echo", [](http::request& asked) -> task<http::response> {
      http::response given;
      given.body = std::move(asked.body);
      co_return given;
    });
    routes.get("/pieces", [](http::request&) -> task<http::response> {
      http::response given;
      given.body = http::body::from(pieces(3, 1000));
      co_return given;
    });
    routes.get("/sized", [](http::request&) -> task<http::response> {
      co_return http::response(200, std::string(100'000, 'x'));
    });
    site here(std::move(routes));
    http::client web;
    http::request post("POST", url_of(here.at, "/echo"), "hello");
    const std::string echoed = co_await text_of(web, std::move(post));
    CHECK(echoed == "200 hello");
    http::request large("POST", url_of(here.at, "/echo"), http::body::from(pieces(300, 1000)));
    const std::string all = co_await text_of(web, std::move(large));
    CHECK(all == "200 " + std::string(300'000, 'x'));
    const std::string made = co_await text_of(web, get(here.at, "/pieces"));
    CHECK(made == "200 " + std::string(3000, 'x'));
    const std::string missing = co_await text_of(web, get(here.at, "/missing"));
    CHECK(missing == "404 ");
    http::response head = co_await web.fetch(http::request("HEAD", url_of(here.at, "/sized")));
    CHECK(head.headers.get("content-length") == "100000");
    CHECK(head.body.size() == 0);
    CHECK(web.idle_connections() == 1);
    {
      http::response dropped = co_await web.fetch(get(here.at, "/sized"));
      CHECK(dropped.body.size() == 100'000);
      CHECK(web.idle_connections() == 0);
      auto reading = as_result(dropped.body.text(1000));
      const auto too_long = co_await std::move(reading);
      CHECK(too_long.error().code().value() == 413);
    }
    CHECK(web.idle_connections() == 0);
    const std::string sized = co_await text_of(web, get(here.at, "/sized"));
    CHECK(sized.size() == 100'004);
    co_await here.close();
  };
  run_in(GENERATE(true, false), program);
}

TEST_CASE("http::client: works in every style", "[http][client]") {
  IN_EVERY_STYLE(style);
  loop running;
  site here([](http::request&) -> task<http::response> { co_return http::response(200, "ok"); });
  http::client web;
  CHECK(style.wait(text_of(web, get(here.at, "/"))).value() == "200 ok");
  CHECK(style.wait(here.close()));
}

TEST_CASE("http::client: uses no more connections than it may", "[http][client]") {
  const auto program = []() -> task<> {
    std::size_t now = 0, most = 0;
    const auto counts = [&](http::request&) -> task<http::response> {
      most = std::max(most, ++now);
      co_await sleep_for(1ms);
      --now;
      co_return http::response(200, "ok");
    };
    site here(counts);
    http::client_options few;
    few.connections_per_host = 3;
    few.idle_connections = 2;
    http::client web(std::move(few));
    std::vector<task<std::string>> all;
    for (int i = 0; i < 20; ++i) all.push_back(text_of(web, get(here.at, "/")));
    const std::vector<std::string> got = co_await when_all(std::move(all));
    CHECK(got == std::vector<std::string>(20, "200 ok"));
    CHECK(most == 3);
    CHECK(web.idle_connections() == 2);
    co_await here.close();
  };
  run_in(GENERATE(true, false), program);
}

TEST_CASE("http::client: sends again only what is safe to send again", "[http][client]") {
  const auto program = []() -> task<> {
    const auto ask = [](liar& server, std::string method) -> task<std::string> {
      http::client web;
      const std::string first = co_await text_of(web, get(server.at, "/first"));
      co_await sleep_for(10ms);  // of virtual time: the server has closed the connection
      http::request second(method, url_of(server.at, "/second"), method == "GET" ? "" : "x");
      auto asking = as_result(text_of(web, std::move(second)));
      const auto got = co_await std::move(asking);
      co_return got ? *got : got.error().message();
    };
    // It closes an idle connection.
    for (const char* method : {"GET", "PUT", "POST"}) {
      liar server({{fine}, {fine}});
      const std::string got = co_await ask(server, method);
      CHECK(got == "200 ok");
      CHECK(server.heads.size() == 2);
      co_await server.close();
    }
    // It says something unasked on an idle connection.
    liar gossips({{fine, "!HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"}, {fine}});
    const std::string told = co_await ask(gossips, "GET");
    CHECK(told == "200 ok");
    CHECK(gossips.heads.size() == 2);
    co_await gossips.close();
    // It closes a new connection without an answer.
    liar mute({{""}, {fine}});
    http::client web;
    auto asking = as_result(web.fetch(get(mute.at, "/")));
    const auto none = co_await std::move(asking);
    CHECK(none.error() == errc::end_of_stream);
    CHECK(mute.heads.size() == 1);
    co_await mute.close();
    // It closes an idle connection within an answer.
    liar breaks({{fine, "HTTP/1.1 200"}, {fine}});
    const std::string cut = co_await ask(breaks, "GET");
    CHECK(cut != "200 ok");
    CHECK(breaks.heads.size() == 2);
    co_await breaks.close();
  };
  run_in(true, program);
}

TEST_CASE("http::client: an answer that is none is an error", "[http][client]") {
  struct example {
    const char* answer;
    const char* expected;  // the text, or the code's message
  };
  const auto code = [](auto what) { return make_error_code(what).message(); };
  const std::string bad = code(std::errc::bad_message), early = code(errc::end_of_stream);
  const auto program = [&]() -> task<> {
    const std::vector<std::pair<std::string, std::string>> examples{
        {"HTTP/1.1 200 OK\r\n\r\nuntil the end", "200 until the end"},
        {"HTTP/1.0 200 OK\r\n\r\nold", "200 old"},
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n" + fine, "200 ok"},
        {"HTTP/1.1 204 No Content\r\n\r\n", "204 "},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "200 ok"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", early},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", early},
        {"HTTP/1.1 200 OK\r\nContent-", early},
        {"", early},
        {"hello\r\n\r\n", bad},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", bad},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", bad},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", bad},
        {"HTTP/1.1 101 Switching Protocols\r\n\r\n", bad},
        {"HTTP/1.1 99 Low\r\nContent-Length: 2\r\n\r\nok", bad},
        {"HTTP/1.1 1000 High\r\nContent-Length: 2\r\n\r\nok", bad},
        {"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok", bad},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n2\r\nok\r\n0\r\n\r\n", bad},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", bad},
        {"HTTP/1.1 200 OK\r\nA: " + std::string(100'000, 'a') + "\r\n\r\n", bad},
    };
    for (const auto& [answer, expected] : examples) {
      liar server({{answer}});
      http::client web;
      auto asking = as_result(text_of(web, get(server.at, "/")));
      const auto got = co_await std::move(asking);
      INFO(answer.substr(0, 100));
      CHECK((got ? *got : got.error().code().message()) == expected);
      co_await server.close();
    }
  };
  run_in(GENERATE(true, false), program);
}

TEST_CASE("http::fetch: sends one request over a connection of its own", "[http][client]") {
  const auto program = []() -> task<> {
    int requests = 0;
    http::server_options how;
    how.on_access = [&requests](const http::access&) { ++requests; };
    const auto answer = [](http::request& asked) -> task<http::response> {
      if (asked.path() == "/there") co_return http::response(200, std::string(100'000, 'x'));
      http::response given(302);
      given.headers.add("location", "/there");
      co_return given;
    };
    site here(answer, std::move(how));
    http::response page = co_await http::fetch(get(here.at, "/here"));
    const std::string text = co_await page.body.text(1 << 20);
    CHECK(text.size() == 100'000);
    http::client_options stays;
    stays.redirects = 0;
    const http::response other = co_await http::fetch(get(here.at, "/here"), std::move(stays));
    CHECK(other.status == 302);
    CHECK(requests == 3);
    auto asking = as_result(http::fetch(http::request("GET", "nowhere")));
    const auto wrong = co_await std::move(asking);
    CHECK_FALSE(wrong);
    co_await here.drain();  // no connection is left open
  };
  run_in(GENERATE(true, false), program);
}

TEST_CASE("http::client: follows redirects by the rules", "[http][client]") {
  const auto program = []() -> task<> {
    std::vector<std::string> seen;
    const auto answer = [&seen](http::request& asked) -> task<http::response> {
      const std::string text = co_await asked.body.text(1 << 20);
      seen.push_back(asked.method + " " + asked.target + " " + text + " " +
                     std::string(asked.headers.get("authorization").value_or("-")));
      const std::string_view path = asked.path();
      if (!path.starts_with("/to/")) co_return http::response(200, "here");
      http::response given(std::stoi(std::string(path.substr(4, 3))), "go away");
      given.headers.add("location", path.size() > 8 ? path.substr(8) : asked.query());
      co_return given;
    };
    site here(answer), other(answer);
    http::client web;
    const auto ask = [&](std::string method, std::string target) -> task<int> {
      seen.clear();
      http::request asked(method, url_of(here.at, target), method == "POST" ? "x" : "");
      asked.headers.add("authorization", "secret");
      auto asking = as_result(web.fetch(std::move(asked)));
      const auto got = co_await std::move(asking);
      co_return got ? got->status : got.error() == std::errc::too_many_symbolic_link_levels ? -2 : -1;
    };
    using lines = std::vector<std::string>;
    int status = co_await ask("GET", "/to/302//a?b=c");
    CHECK(status == 200);
    CHECK(seen == lines{"GET /to/302//a?b=c  secret", "GET /a  secret"});
    status = co_await ask("POST", "/to/303?../b");
    CHECK(seen == lines{"POST /to/303?../b x secret", "GET /b  secret"});
    status = co_await ask("POST", "/to/307?/b");
    CHECK(seen == lines{"POST /to/307?/b x secret", "POST /b x secret"});
    status = co_await ask("POST", "/to/301?/b");
    CHECK(seen == lines{"POST /to/301?/b x secret", "GET /b  secret"});
    status = co_await ask("GET", "/to/308?" + url_of(other.at, "/b"));
    CHECK(seen == lines{"GET /to/308?" + url_of(other.at, "/b") + "  secret", "GET /b  -"});
    status = co_await ask("GET", "/to/302?/to/302?/a");
    CHECK(status == 200);
    status = co_await ask("GET", "/to/302?");
    CHECK(status == -2);
    CHECK(seen.size() == 11);
    status = co_await ask("GET", "/to/302?gopher://x/");
    CHECK(status == -1);
    status = co_await ask("GET", "/to/304?/b");
    CHECK(status == 304);
    // A long string is sent again as it was; a streamed body is gone, so that the redirect is the response.
    const auto post = [&](http::body with) -> task<std::string> {
      http::request asked("POST", url_of(here.at, "/to/307?/b"), std::move(with));
      http::response got = co_await web.fetch(std::move(asked));
      const std::string& last = seen.back();
      co_return std::to_string(got.status) + " " + std::to_string(std::count(last.begin(), last.end(), 'x'));
    };
    std::string ended = co_await post(std::string(200'000, 'x'));
    CHECK(ended == "200 200000");
    ended = co_await post(http::body::from(pieces(3, 100)));
    CHECK(ended == "307 300");
    co_await here.close();
    co_await other.close();
  };
  run_in(GENERATE(true, false), program);
}

TEST_CASE("http::client: hands its deadline on, and has deadlines of its own", "[http][client]") {
  const auto program = []() -> task<> {
    std::optional<loop_clock::duration> left;
    const auto answer = [&left](http::request& asked) -> task<http::response> {
      const auto end = co_await current_deadline();
      if (end) left = *end - loop_clock::now();
      if (asked.path() == "/slow") co_await sleep_for(1h);
      co_return http::response(200, "ok");
    };
    site here(answer);
    http::client web;
    auto asking = with_timeout(text_of(web, get(here.at, "/")), 2s);
    const std::string got = co_await std::move(asking);
    CHECK(got == "200 ok");
    REQUIRE(left);
    CHECK((*left > 1900ms && *left <= 2s));
    const auto begun = loop_clock::now();
    auto slow = as_result(web.fetch(get(here.at, "/slow")));
    const auto late = co_await std::move(slow);
    CHECK(late.error().code().category() == timeout_category());
    CHECK(loop_clock::now() - begun < 61s);
    co_await here.close();
    const auto seconds_of = [](http::client& with, const endpoint& at) -> task<std::int64_t> {
      const auto start = loop_clock::now();
      auto fetching = as_result(text_of(with, get(at, "/")));
      const auto ended = co_await std::move(fetching);
      CHECK(ended.error().code().category() == timeout_category());
      co_return std::chrono::round<std::chrono::seconds>(loop_clock::now() - start).count();
    };
    const std::string cut = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab";
    liar stalls({{cut, "c"}});  // waits for another head
    const auto stalled = co_await seconds_of(web, stalls.at);
    CHECK(stalled == 30);
    co_await stalls.close();
    http::client_options far;
    far.connects = [](http::url) -> task<any_stream> {
      co_await sleep_for(1h);
      co_return any_stream();
    };
    http::client lonely(std::move(far));
    const auto unconnected = co_await seconds_of(lonely, stalls.at);
    CHECK(unconnected == 10);
  };
  run_in(true, program);
}

TEST_CASE("http::client: a server may answer before it has the whole body", "[http][client]") {
  const auto program = []() -> task<> {
    site here([](http::request&) -> task<http::response> { co_return http::response(403, "no"); });
    http::client web;
    http::request asked("POST", url_of(here.at, "/"), http::body::from(pieces(2000, 1000)));
    const std::string got = co_await text_of(web, std::move(asked));
    CHECK(got == "403 no");
    CHECK(web.idle_connections() == 0);
    co_await here.close();
  };
  run_in(GENERATE(true, false), program);
}

TEST_CASE("http::client: a body that is passed on is let go when the server answers early",
          "[http][client]") {
  const auto program = []() -> task<> {
    site behind([](http::request&) -> task<http::response> {
      co_await yield();
      co_return http::response(403, "no");
    });
    http::client between;
    const std::string to = url_of(behind.at, "/");
    site front([&](http::request& asked) -> task<http::response> {
      http::request next("POST", to, std::move(asked.body));
      http::response given = co_await between.fetch(std::move(next));
      co_return given;
    });
    http::client web;
    for (int round = 0; round < 3; ++round) {
      http::request asked("POST", url_of(front.at, "/"), http::body::from(pieces(500, 1000)));
      const std::string got = co_await text_of(web, std::move(asked));
      CHECK(got == "403 no");
    }
    // The client goes away in the middle.
    tcp::stream leaves = co_await tcp::connect(front.at);
    co_await leaves.write_all("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nabc");
    co_await sleep_for(1ms);
    co_await leaves.close();
    co_await sleep_for(1ms);
    co_await front.close();
    co_await behind.close();
  };
  run_in(GENERATE(true, false), program);
}

TEST_CASE("http::client: can be cancelled at each await", "[http][client][cancellation]") {
  const auto program = []() -> task<> {
    site here([](http::request& asked) -> task<http::response> {
      std::string text = co_await asked.body.text(1000);
      co_return http::response(200, std::move(text));
    });
    http::client_options asks;
    asks.await_continue = 1s;
    http::client web(std::move(asks));
    http::request asked("POST", url_of(here.at, "/"), http::body::from(pieces(2, 10)));
    auto asking = as_result(text_of(web, std::move(asked)));
    const auto got = co_await std::move(asking);
    auto closing = shield(here.close());
    co_await std::move(closing);
    const std::string& text = got.value();
    CHECK(text == "200 " + std::string(20, 'x'));
  };
  CHECK(every_cancellation_with_memory(program) >= 3);
}
