#include <chrono>
#include <string>
#include <utility>

#include "braid/http/client.hpp"
#include "braid/style/async_generator.hpp"
#include "liar.hpp"
#include "site.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

TEST_CASE("http::client: asks before it sends a body, if told to", "[http][client]") {
  const auto program = []() -> task<> {
    http::server_options how;
    how.limits.body = 50'000;
    site here(
        [](http::request& asked) -> task<http::response> {
          std::string text = co_await asked.body.text(1 << 20);
          co_return http::response(200, std::move(text));
        },
        std::move(how));
    http::client_options asks;
    asks.await_continue = 1s;
    http::client web(std::move(asks));
    int made = 0;
    const auto counted = [&made](int n) -> async_generator<std::string> {
      for (int i = 0; i < n; ++i) {
        ++made;
        co_yield std::string(1000, 'x');
      }
    };
    const auto post = [&](const endpoint& at, http::body with) {
      return text_of(web, http::request("POST", url_of(at, "/"), std::move(with)));
    };
    // It is told to go on.
    std::string got = co_await post(here.at, http::body::from(counted(20)));
    CHECK(got == "200 " + std::string(20'000, 'x'));
    got = co_await post(here.at, std::string(20'000, 'y'));
    CHECK(got == "200 " + std::string(20'000, 'y'));
    CHECK(web.idle_connections() == 1);
    // It is refused: nothing of the body is made or sent, and its connection is closed.
    made = 0;
    got = co_await post(here.at, http::body::from(counted(100), 100'000));
    CHECK(got == "413 ");
    got = co_await post(here.at, std::string(100'000, 'x'));
    CHECK(got == "413 ");
    CHECK(made == 0);
    CHECK(web.idle_connections() == 0);
    co_await here.close();
    // 417 is about the question: it sends without one. The liar reads up to the last chunk.
    liar blunt({{"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n"}, {"", fine}});
    got = co_await post(blunt.at, http::body::from(counted(2)));
    CHECK(got == "200 ok");
    REQUIRE(blunt.heads.size() == 3);
    CHECK(blunt.heads[0].find("Expect: 100-continue\r\n") != std::string::npos);
    CHECK(blunt.heads[1].find("Expect") == std::string::npos);
    CHECK(blunt.heads[2] ==
          "3e8\r\n" + std::string(1000, 'x') + "\r\n3e8\r\n" + std::string(1000, 'x') + "\r\n0\r\n\r\n");
    co_await blunt.close();
    // A server that says nothing gets the body after a while, and one that says 100 late is understood.
    for (const char* late : {"", "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Cont"}) {
      const std::string rest = *late == '\0' ? "" : "inue\r\n\r\n";
      liar mute({{late, rest + fine}});
      const auto begun = loop_clock::now();
      got = co_await post(mute.at, http::body::from(counted(2)));
      CHECK(got == "200 ok");
      CHECK(std::chrono::round<std::chrono::milliseconds>(loop_clock::now() - begun) == 1s);
      co_await mute.close();
    }
    // A short body is not worth a question.
    liar simple({{fine}});
    got = co_await post(simple.at, "x");
    CHECK(got == "200 ok");
    CHECK(simple.heads[0].find("Expect") == std::string::npos);
    co_await simple.close();
  };
  run_in(true, program);
}
