#include "braid/http/event_stream.hpp"

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include "braid/http/client.hpp"
#include "braid/sync/event.hpp"
#include "site.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

async_generator<http::event> some(std::vector<http::event> all, loop_clock::duration pause) {
  for (http::event& each : all) {
    co_await sleep_for(pause);
    co_yield std::move(each);
  }
}

}  // namespace

TEST_CASE("http::event_stream: writes events as EventSource reads them", "[http][event_stream]") {
  http::event full("a\nb\r\nc\rd");
  full.name = "news";
  full.id = "7";
  full.retry = 1500ms;
  const auto program = [&]() -> task<> {
    http::response given = http::event_stream(some({"x", full, ""}, 1ms));
    CHECK(given.headers.get("content-type") == "text/event-stream");
    const std::string text = co_await given.body.text(1000);
    CHECK(text ==
          "data: x\n\nid: 7\nevent: news\nretry: 1500\ndata: a\ndata: b\ndata: c\ndata: d\n\ndata: \n\n");
    http::event wrong("x");
    wrong.id = "a\ndata: b";
    http::response refused = http::event_stream(some({wrong}, 1ms));
    auto reading = as_result(refused.body.text(1000));
    const auto got = co_await std::move(reading);
    CHECK_THROWS_AS(got.value(), std::invalid_argument);
  };
  run_in(GENERATE(true, false), program);
}

TEST_CASE("http::event_stream: sends heartbeats, and ends when its client goes away",
          "[http][event_stream]") {
  const auto program = []() -> task<> {
    event ended;
    struct tells {
      event& which;
      ~tells() { which.set(); }
    };
    const auto forever = [](event& at_end) -> async_generator<http::event> {
      const tells end{at_end};
      for (;;) {
        co_await sleep_for(40s);
        co_yield http::event("tick");
      }
    };
    site here([&](http::request&) -> task<http::response> { co_return http::event_stream(forever(ended)); });
    {
      http::client_options patient;
      patient.stall = 1h;
      http::client web(std::move(patient));
      http::response got = co_await web.fetch(http::request("GET", "http://" + here.at.to_string() + "/"));
      std::string all;
      while (all.size() < 21) {
        const auto piece = co_await got.body.next();
        all += piece.value_or("(the end)");
      }
      CHECK(all == ":\n\n:\n\ndata: tick\n\n:\n\n");
    }
    co_await ended.wait();
    co_await here.close();
  };
  run_in(true, program);
}
