// The samples of docs/guide.md: a client, and the server that it meets.
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "braid/braid.hpp"

using namespace std::chrono_literals;

namespace {

// [client]
braid::task<std::string> ask(braid::endpoint server, std::string question) {
  const auto talk = co_await braid::tcp::connect(server);
  co_await talk.write_all(question);
  std::string answer(question.size(), '\0');
  co_await talk.read_exactly(answer);  // fails with end_of_stream when the server hangs up
  co_return answer;
}

braid::task<std::string> ask_patiently(braid::endpoint server, std::string question) {
  const auto one_attempt = [&] { return braid::with_timeout(ask(server, question), 2s); };
  co_return co_await braid::retry({.attempts = 5, .base = 10ms}, one_attempt);
}

braid::task<std::vector<std::string>> ask_all(std::string host, std::string port,
                                              std::vector<std::string> questions) {
  const auto found = co_await braid::resolve(host, port);  // "example.org", "7"; at least one endpoint
  const auto one = [&](const std::string& question) { return ask_patiently(found.front(), question); };
  co_return co_await braid::map_concurrent(questions, 2, one);  // never more than two at once
}
// [/client]

// [guarded]
/// All that the program's tasks share when they talk to one server.
struct server_limits {
  braid::rate_limiter rate{100, 10};  // a second; at most ten at once
  braid::retry_budget retries;        // one request in five may be repeated
  braid::circuit_breaker circuit{{.consecutive_failures = 5, .open_for = 2s}};
};

braid::task<std::string> ask_carefully(server_limits& shared, braid::endpoint server, std::string question) {
  const auto one_attempt = [&]() -> braid::task<std::string> {
    co_await shared.rate.acquire();
    const auto asks = [&] { return braid::with_timeout(ask(server, question), 2s); };
    co_return co_await shared.circuit.run(asks);  // or errc::circuit_open, at once
  };
  const braid::retry_policy policy{.attempts = 5, .base = 10ms, .budget = &shared.retries};
  co_return co_await braid::retry(policy, one_attempt);
}
// [/guarded]

braid::task<> echo(braid::tcp::stream client) {
  std::string received(1024, '\0');
  while (const std::size_t got = co_await client.read_some(received))
    co_await client.write_all(std::string_view(received).substr(0, got));
}

/// Hangs up on the first client and serves the others, until it is stopped.
braid::task<> serve(const braid::tcp::listener& door, int& connections) {
  const auto accept = [&](braid::scope& clients) -> braid::task<> {
    for (;;) {
      auto client = co_await door.accept();
      if (++connections > 1) clients.spawn(braid::as_result(echo(std::move(client))));
    }
  };
  co_await braid::with_scope(accept);
}

braid::task<> talk() {
  const auto door = co_await braid::tcp::listen(braid::endpoint::loopback());
  int connections = 0;
  const auto both = [&](braid::scope& all) -> braid::task<> {
    all.spawn(serve(door, connections));
    const std::string port = std::to_string(door.local_endpoint().port());
    const std::vector<std::string> questions{"one", "two", "three"};
    for (const std::string& answer : co_await ask_all("127.0.0.1", port, questions))
      std::printf("%s\n", answer.c_str());
    server_limits shared;
    std::printf("%s\n", (co_await ask_carefully(shared, door.local_endpoint(), "four")).c_str());
    all.request_stop();
  };
  co_await braid::with_scope(both);
  std::printf("%d connections\n", connections);
}

}  // namespace

int main() { braid::run(talk()); }
