// An HTTP server that is asked for more than it can do. Its handlers compute, so that every request that it
// turns away takes from those that it answers. The server has the first processor, the load the last one.
//
//   overload [--seconds S] [--rounds N]        BRAID_BACKEND chooses the reactor
//
// The capacity is what the server answers when some clients ask again as soon as they have an answer.
// Then requests arrive at multiples of that, whether or not those before are answered. Prints a table of the
// medians; fails if a request gets anything but 200 or 503 with Retry-After.

#include <braid/braid.hpp>
#include <braid/http/client.hpp>
#include <braid/http/server.hpp>

#include <sched.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

namespace {

using namespace braid;
using namespace std::chrono_literals;

constexpr std::size_t at_once = 4;
constexpr int slices = 8;  // of about 50 µs; between two of them the server looks at its other connections
constexpr auto longest_wait = 20ms;
constexpr std::size_t clients_in_turn = 4 * at_once;

void stay_on(bool first) {
  cpu_set_t allowed;
  ::sched_getaffinity(0, sizeof allowed, &allowed);
  int chosen = -1;
  for (int each = 0; each < CPU_SETSIZE; ++each)
    if (CPU_ISSET(each, &allowed) && (chosen < 0 || !first)) chosen = each;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(chosen, &one);
  ::sched_setaffinity(0, sizeof one, &one);
}

std::uint64_t compute(std::uint64_t from) {
  for (int n = 0; n < 40'000; ++n) from = (from ^ (from >> 29)) * 0x9e3779b97f4a7c15 + 1;
  return from;
}

task<http::response> works(http::request&) {
  std::uint64_t sum = 1;
  for (int n = 0; n < slices; ++n) {
    sum = compute(sum);
    co_await yield();
  }
  co_return http::response(200, std::to_string(sum));
}

// A server on a thread of its own.
class server {
 public:
  server() {
    thread_ = std::thread([this] { run(); });
    while (port_ == 0) std::this_thread::yield();
  }
  ~server() {
    loop_->post([this] { stop_.request_stop(); });
    thread_.join();
  }
  server(const server&) = delete;
  server& operator=(const server&) = delete;
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }

 private:
  void run() {
    stay_on(true);
    loop here;
    loop_ = &here;
    const tcp::listener door = tcp::listen_now(endpoint::loopback());
    http::server_options how;
    how.overload = {.at_once = at_once, .waiting = 1000, .longest_wait = longest_wait};
    port_ = door.local_endpoint().port();
    (void)here.run(as_result(with_stop_token(http::serve(door, works, std::move(how)), stop_.get_token())));
  }

  loop* loop_ = nullptr;
  stop_source stop_;
  std::atomic<std::uint16_t> port_ = 0;
  std::thread thread_;
};

struct seen {
  double seconds = 0;
  std::uint64_t refused = 0, others = 0;
  std::vector<double> answered_ms;
  [[nodiscard]] double rate() const { return static_cast<double>(answered_ms.size()) / seconds; }
  [[nodiscard]] double at(double part) {
    if (answered_ms.empty()) return 0;
    const auto which = static_cast<std::size_t>(part * static_cast<double>(answered_ms.size() - 1));
    std::nth_element(answered_ms.begin(), answered_ms.begin() + static_cast<std::ptrdiff_t>(which),
                     answered_ms.end());
    return answered_ms[which];
  }
};

task<> ask(http::client& web, const std::string& url, seen& all) {
  const auto begun = loop_clock::now();
  http::request asked("GET", url);
  http::response got = co_await web.fetch(std::move(asked));
  (void)co_await got.body.text(100);
  const std::chrono::duration<double, std::milli> took = loop_clock::now() - begun;
  if (got.status == 200)
    all.answered_ms.push_back(took.count());
  else if (got.status == 503 && got.headers.has("retry-after"))
    ++all.refused;
  else
    ++all.others;
}

task<> ask_until(http::client& web, const std::string& url, seen& all, loop_clock::time_point end) {
  while (loop_clock::now() < end) co_await ask(web, url, all);
}

task<seen> in_turn(http::client& web, const std::string& url, double seconds) {
  seen all;
  const auto begun = loop_clock::now();
  const auto end =
      begun + std::chrono::duration_cast<loop_clock::duration>(std::chrono::duration<double>(seconds));
  std::vector<future<void>> clients;
  for (std::size_t n = 0; n < clients_in_turn; ++n) clients.push_back(spawn(ask_until(web, url, all, end)));
  co_await when_all(std::move(clients));
  all.seconds = std::chrono::duration<double>(loop_clock::now() - begun).count();
  co_return all;
}

task<> arrivals(scope& requests, http::client& web, const std::string& url, seen& all, double per_second,
                double seconds) {
  const auto gap =
      std::chrono::duration_cast<loop_clock::duration>(std::chrono::duration<double>(1 / per_second));
  const auto count = static_cast<std::uint64_t>(per_second * seconds);
  auto next = loop_clock::now();
  for (std::uint64_t n = 0; n < count; ++n, next += gap) {
    co_await sleep_until(next);
    requests.spawn(ask(web, url, all));
  }
}

task<seen> arriving(http::client& web, const std::string& url, double per_second, double seconds) {
  seen all;
  const auto begun = loop_clock::now();
  const auto run = [&](scope& within) { return arrivals(within, web, url, all, per_second, seconds); };
  co_await with_scope(run);
  all.seconds = std::chrono::duration<double>(loop_clock::now() - begun).count();
  co_return all;
}

double median(std::vector<double> of) {
  std::sort(of.begin(), of.end());
  return of[of.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  double seconds = 2;
  int rounds = 5;
  CLI::App app("an HTTP server that is asked for more than it can do");
  app.add_option("--seconds", seconds, "of each measurement")->check(CLI::PositiveNumber);
  app.add_option("--rounds", rounds)->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);

  const server over_there;
  stay_on(false);
  loop here;
  http::client_options many;
  many.connections = many.connections_per_host = many.idle_connections = 5000;
  http::client web(std::move(many));
  const std::string url = over_there.url();
  (void)here.run(in_turn(web, url, seconds / 10));

  constexpr std::array factors{0.5, 1.0, 2.0, 4.0};
  struct row {
    std::vector<double> answered, refused, ratio, half, most;
  };
  std::array<row, factors.size()> rows;
  std::vector<double> capacities;
  std::uint64_t others = 0;
  for (int round = 0; round < rounds; ++round) {
    const seen full = here.run(in_turn(web, url, seconds));
    others += full.others;
    capacities.push_back(full.rate());
    for (std::size_t n = 0; n < factors.size(); ++n) {
      seen now = here.run(arriving(web, url, factors[n] * full.rate(), seconds));
      others += now.others;
      rows[n].answered.push_back(now.rate());
      rows[n].refused.push_back(static_cast<double>(now.refused) / now.seconds);
      rows[n].ratio.push_back(now.rate() / full.rate());
      rows[n].half.push_back(now.at(0.5));
      rows[n].most.push_back(now.at(0.99));
    }
  }
  std::printf("capacity: %.0f requests a second\n\n", median(capacities));
  std::puts(
      "| requests that arrive | answered a second | to the capacity | refused a second | median | 99 % |");
  std::puts("|---|---|---|---|---|---|");
  for (std::size_t n = 0; n < factors.size(); ++n)
    std::printf("| %.1f of the capacity | %.0f | %.2f | %.0f | %.1f ms | %.1f ms |\n", factors[n],
                median(rows[n].answered), median(rows[n].ratio), median(rows[n].refused),
                median(rows[n].half), median(rows[n].most));
  if (others != 0) std::printf("%llu other answers\n", static_cast<unsigned long long>(others));
  return others == 0 ? 0 : 1;
}
