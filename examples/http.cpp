// The samples of docs/http.md, and one of docs/messaging.md.

#include <unistd.h>

#include <braid/braid.hpp>
#include <braid/http/access_log.hpp>
#include <braid/http/client.hpp>
#include <braid/http/event_stream.hpp>
#include <braid/http/router.hpp>
#include <braid/http/server.hpp>
#include <braid/http/status.hpp>
#include <braid/messaging/queue.hpp>
#include <braid/messaging/to_prometheus.hpp>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>

using namespace std::chrono_literals;
namespace http = braid::http;
namespace messaging = braid::messaging;

// [server]
braid::task<http::response> show_job(http::request& asked) {
  co_return http::response(200, "job " + std::string(asked.parameter("id")) + "\n");
}

braid::task<http::response> add_job(http::request& asked) {
  const std::string job = co_await asked.body.text(1000);  // 413 for more bytes
  if (job.empty()) http::status_error(422, "an empty job").rethrow();
  co_return http::response(201, "added " + job + "\n");
}

braid::task<> serve_jobs(const braid::tcp::listener& door) {
  http::router routes;
  routes.get("/jobs/{id}", show_job);
  routes.post("/jobs", add_job);
  http::server_options how;
  how.limits.body = 64 << 10;
  how.deadlines.idle = 20s;
  how.overload.at_once = 100;  // 503 with Retry-After for those that wait too long
  co_await http::serve(door, std::move(routes), std::move(how));
}
// [/server]

// [stream]
braid::async_generator<std::string> count(int n) {
  for (int i = 1; i <= n; ++i) {
    co_await braid::sleep_for(1ms);
    co_yield std::to_string(i) + "\n";
  }
}

braid::task<http::response> count_for_client(http::request&) {
  http::response given(200, http::body::from(count(3)));
  co_return given;
}
// [/stream]

// [events]
braid::async_generator<http::event> ticks(int n) {
  for (int i = 1; i <= n; ++i) {
    co_await braid::sleep_for(1ms);
    http::event tick("tick " + std::to_string(i));
    co_yield std::move(tick);
  }
}

braid::task<http::response> tick_for_client(http::request&) { co_return http::event_stream(ticks(2)); }
// [/events]

// [client]
braid::task<std::string> get(http::client& web, std::string url) {
  http::request asked("GET", std::move(url));
  asked.headers.add("accept", "text/plain");
  http::response answer = co_await web.fetch(std::move(asked));
  if (answer.status != 200) co_return "no page: " + std::to_string(answer.status) + "\n";
  co_return co_await answer.body.text(1 << 20);  // at most 1 MiB
}
// [/client]

// A library that calls back, with the price of an item.
void find_price(const std::string& item, const std::function<void(int price)>& call_back) {
  call_back(static_cast<int>(item.size()));
}

// [styles]
braid::task<http::response> price_by_callback(http::request& asked) {
  const std::string item(asked.parameter("item"));
  const auto begin = [&item](braid::callback_done<http::response> done) {
    find_price(item, [done](int price) { done(http::response(200, std::to_string(price) + "\n")); });
  };
  auto finding = braid::from_callback<http::response>(begin);
  co_return co_await std::move(finding);  // done may be called later, and on any thread
}

braid::future<int> price_of(const std::string& item) {
  return braid::make_ready_future(item == "tea" ? 3 : 4);
}

braid::task<http::response> price_by_future(http::request& asked) {
  auto page = price_of(std::string(asked.parameter("item"))).then([](int price) {
    return http::response(200, std::to_string(price) + "\n");
  });
  co_return co_await std::move(page);
}

http::response price_in_fiber(http::request& asked) {  // a function like any other, which may block its fiber
  const std::string item = braid::await(asked.body.text(1000));
  const int price = braid::await(price_of(item));
  return http::response(200, std::to_string(price) + "\n");
}

// The adapter for any such function.
template <class F>
http::handler on_fiber(F answer) {
  return [answer](http::request& asked) -> braid::task<http::response> {
    auto answering = braid::in_fiber([&] { return answer(asked); });
    co_return co_await std::move(answering);
  };
}

http::router prices() {
  http::router routes;
  routes.get("/callback/{item}", price_by_callback);
  routes.get("/future/{item}", price_by_future);
  routes.post("/fiber", on_fiber(price_in_fiber));
  return routes;
}
// [/styles]

// [log]
http::server_options with_access_log(std::FILE* to) {
  http::server_options how;
  how.on_access = [to](const http::access& done) {
    std::fprintf(to, "%s\n", http::to_common_log(done).c_str());
  };
  return how;
}
// [/log]

// The same price, asked for in each style.
braid::task<std::string> ask_prices(std::string item) {
  const braid::tcp::listener door = co_await braid::tcp::listen(braid::endpoint::loopback());
  std::FILE* const log = std::tmpfile();
  auto serving = braid::spawn(http::serve(door, prices(), with_access_log(log)));
  http::client web;
  const std::string site = "http://" + door.local_endpoint().to_string();
  const std::string called_back = co_await get(web, site + "/callback/tea");
  const std::string promised = co_await get(web, site + "/future/tea");
  http::request asking("POST", site + "/fiber", item);
  http::response answer = co_await web.fetch(std::move(asking));
  const std::string in_fiber = co_await answer.body.text(1000);
  serving.request_stop();
  auto ended = braid::as_result(std::move(serving));
  (void)co_await std::move(ended);
  const long logged = std::ftell(log);
  std::fclose(log);
  co_return called_back + promised + in_fiber + (logged > 0 ? "logged\n" : "not logged\n");
}

// [metrics]
braid::task<> serve_metrics(const braid::tcp::listener& door, const messaging::queue& jobs) {
  http::router pages;
  pages.get("/metrics", [&jobs](http::request&) -> braid::task<http::response> {
    const messaging::queue_metrics now = co_await jobs.metrics();
    co_return http::response(200, messaging::to_prometheus("jobs", now), messaging::prometheus_content_type);
  });
  co_await http::serve(door, std::move(pages));
}
// [/metrics]

braid::task<std::string> ask_metrics(std::filesystem::path directory) {
  messaging::queue jobs = co_await messaging::queue::open(directory);
  co_await jobs.make_group("thumbnails");
  co_await jobs.send("picture 7");
  const braid::tcp::listener door = co_await braid::tcp::listen(braid::endpoint::loopback());
  auto serving = braid::spawn(serve_metrics(door, jobs));
  http::client web;
  const std::string text = co_await get(web, "http://" + door.local_endpoint().to_string() + "/metrics");
  serving.request_stop();
  auto ended = braid::as_result(std::move(serving));
  (void)co_await std::move(ended);
  co_await jobs.close();
  const std::size_t at = text.find("\nbraid_queue_messages{");
  co_return at == std::string::npos ? text : text.substr(at + 1, text.find('\n', at + 1) - at);
}

braid::task<> visit_all(braid::scope& all) {
  const auto door = co_await braid::tcp::listen(braid::endpoint::loopback());
  const auto other_door = co_await braid::tcp::listen(braid::endpoint::loopback());
  auto serving = all.spawn(serve_jobs(door));
  http::router streams;
  streams.get("/count", count_for_client);
  streams.get("/ticks", tick_for_client);
  auto streaming = all.spawn(http::serve(other_door, std::move(streams)));
  const std::string jobs = "http://" + door.local_endpoint().to_string() + "/jobs";
  const std::string other = "http://" + other_door.local_endpoint().to_string();

  http::client web;
  const std::string job = co_await get(web, jobs + "/7");
  const std::string none = co_await get(web, jobs + "/7/8");
  const std::string counted = co_await get(web, other + "/count");
  const std::string ticked = co_await get(web, other + "/ticks");
  http::request adding("POST", jobs, "clean");
  http::response added = co_await web.fetch(std::move(adding));
  const std::string text = co_await added.body.text(1000);
  std::printf("%s%s%s%s%s", job.c_str(), none.c_str(), counted.c_str(), ticked.c_str(), text.c_str());

  const std::string asked = co_await ask_prices("tea");
  std::printf("%s", asked.c_str());

  const auto directory = std::filesystem::temp_directory_path() / ("braid-" + std::to_string(::getpid()));
  const std::string metrics = co_await ask_metrics(directory);
  std::filesystem::remove_all(directory);
  std::printf("%s", metrics.c_str());

  serving.request_stop();
  streaming.request_stop();
  auto ended = braid::when_all_settled(std::move(serving), std::move(streaming));
  co_await std::move(ended);
}

int main() { braid::run(braid::with_scope(visit_all)); }
