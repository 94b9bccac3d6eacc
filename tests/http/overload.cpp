// A server at twice its capacity, in virtual time: it answers almost as many as it can, and as fast.

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "braid/combine/scope.hpp"
#include "braid/http/client.hpp"
#include "site.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

constexpr auto work = 10ms;
constexpr std::size_t at_once = 10;  // so its capacity is 1000 requests a second
constexpr auto longest_wait = 50ms;
constexpr auto span = 3s;

struct seen {
  std::size_t answered = 0, refused = 0, others = 0;
  loop_clock::duration slowest{};  // of those that were answered
};

// Sends so many requests a second, whether or not those before are answered.
task<seen> under(std::size_t per_second) {
  const auto works = [](http::request&) -> task<http::response> {
    co_await sleep_for(work);
    co_return http::response(200, "ok");
  };
  http::server_options how;
  how.overload = {.at_once = at_once, .waiting = 1000, .longest_wait = longest_wait};
  site here(works, std::move(how));
  seen all;
  http::client_options many;
  many.connections_per_host = 1000;
  http::client web(std::move(many));
  const std::string url = "http://" + here.at.to_string() + "/";
  const auto one = [&]() -> task<> {
    const auto begun = loop_clock::now();
    http::response got = co_await web.fetch(http::request("GET", url));
    (void)co_await got.body.text(100);
    all.answered += got.status == 200;
    all.refused += got.status == 503 && got.headers.has("retry-after");
    all.others += got.status != 200 && got.status != 503;
    if (got.status == 200) all.slowest = std::max(all.slowest, loop_clock::now() - begun);
  };
  const auto arrivals = [&](scope& requests) -> task<> {
    const auto end = loop_clock::after(span);
    for (auto next = loop_clock::now(); next < end; next += 1000000us / per_second) {
      co_await sleep_until(next);
      requests.spawn(one);
    }
  };
  co_await with_scope(arrivals);
  co_await here.close();
  co_return all;
}

// One client is being served, which takes this long. As many as the server tells so have got 503 and stay. 20
// more ask meanwhile: what these get, and when the last one has.
struct waited {
  statuses got;
  loop_clock::duration took{};
};
task<waited> behind_a_full_server(loop_clock::duration of_first) {
  const auto works = [of_first](http::request& asked) -> task<http::response> {
    if (asked.path() == "/first") co_await sleep_for(of_first);
    co_return http::response(200);
  };
  http::server_options how;
  how.limits.connections = 1;
  site here(works, std::move(how));
  const auto begun = loop_clock::now();
  auto first = spawn(talk(here.at, last_request("/first")));
  co_await sleep_for(1ms);
  std::vector<tcp::stream> stay;
  for (int i = 0; i < 64; ++i) {
    tcp::stream one = co_await tcp::connect(here.at);
    co_await one.write_all(get_request("/"));
    const std::string refusal = co_await up_to(one, "\r\n\r\n");
    CHECK(statuses_in(refusal) == statuses{503});
    stay.push_back(std::move(one));
  }
  std::vector<task<std::string>> asking;
  for (int i = 0; i < 20; ++i) asking.push_back(talk(here.at, last_request("/")));
  const std::vector<std::string> answers = co_await when_all(std::move(asking));
  waited all{{}, loop_clock::now() - begun};
  for (const std::string& each : answers)
    for (const int status : statuses_in(each)) all.got.push_back(status);
  const std::string of_served = co_await std::move(first);
  CHECK(statuses_in(of_served) == statuses{200});
  co_await sleep_for(1ms);  // its connection has ended, too
  const std::string later = co_await talk(here.at, last_request("/"));
  CHECK(statuses_in(later) == statuses{200});
  co_await here.close();
  co_return all;
}

}  // namespace

TEST_CASE(
    "http::server: clients beyond those that it tells so wait, and are served or refused, never dropped",
    "[http][overload]") {
  sim::world here(7);
  // Their turn comes when the one that is served ends, although the others stay.
  const waited served = here.run(behind_a_full_server(1s));
  CHECK(served.got == statuses(20, 200));
  CHECK(served.took >= 1s);
  CHECK(served.took < 1100ms);
  // It comes when the others' linger is over.
  const waited refused = here.run(behind_a_full_server(1min));
  CHECK(refused.got == statuses(20, 503));
  CHECK(refused.took >= 1900ms);
  CHECK(refused.took < 2100ms);
}

TEST_CASE("http::server: at twice its capacity it answers at least nine tenths of what it can",
          "[http][overload]") {
  sim::world here(7);
  const seen below = here.run(under(500));
  CHECK(below.answered == 1500);
  CHECK(below.refused + below.others == 0);
  const seen twice = here.run(under(2000));
  CHECK(twice.answered >= 2700);  // of the 3000 in three seconds that it can
  CHECK(twice.answered + twice.refused == 6000);
  CHECK(twice.others == 0);
  CHECK(twice.slowest <= longest_wait + work + 5ms);
}
