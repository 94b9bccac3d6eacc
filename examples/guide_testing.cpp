// The samples of docs/guide.md: tests in the simulated world.
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>

#include "braid/braid.hpp"

using namespace std::chrono_literals;

namespace {

// [testing]
braid::task<> serve_time() {
  auto door = co_await braid::tcp::listen(braid::endpoint("0.0.0.0", 80));
  for (;;) {
    auto client = co_await door.accept();
    co_await client.write_all("noon\n");
  }
}

braid::task<std::string> ask_time(std::string server) {
  auto talk = co_await braid::tcp::connect(braid::endpoint(server, 80));
  std::string answer(5, '\0');
  co_await talk.read_exactly(answer);
  co_return answer;
}

braid::task<std::string> ask_time_patiently(std::string server) {
  const auto one_attempt = [&] { return braid::with_timeout(ask_time(server), 1s); };
  co_return co_await braid::retry({.attempts = 10, .base = 1s}, one_attempt);
}

void the_network_breaks(braid::sim::world& here) {
  auto& server = here.add_host("server", {.program = [](braid::sim::host&) { return serve_time(); }});
  auto& client = here.add_host("client");
  here.partition(server, client);
  here.after(3s, [&] { here.join(server, client); });
  const auto answer = here.run_on(client, ask_time_patiently(server.address()));
  if (answer != "noon\n") throw std::runtime_error("the client got " + answer);
}

void test_the_client() {
  const auto all = braid::sim::explore(200, the_network_breaks);
  std::printf("%d runs, none fails\n", static_cast<int>(all.runs));
}

void test_a_timer() {
  const braid::sim::virtual_time clock;  // for the loops that this thread makes from now on
  braid::run(braid::sleep_for(24h));     // returns at once
  std::printf("%d hours\n", static_cast<int>(clock.now().time_since_epoch() / 1h));
}
// [/testing]

}  // namespace

int main() {
  test_the_client();
  test_a_timer();
}
