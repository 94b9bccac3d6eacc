// The samples of docs/guide.md: a server and its clients.
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "braid/braid.hpp"

using namespace std::chrono_literals;

namespace {

int connections = 0;

// [server]
braid::task<> serve_one(braid::tcp::stream client) {
  if (++connections == 1) co_return;  // hangs up on the first one, for the sake of the next chapter
  std::string received(1024, '\0');
  while (const std::size_t got = co_await client.read_some(received))  // 0: the client has finished
    co_await client.write_all(std::string_view(received).substr(0, got));
}

/// Accepts until no_more is requested, then waits for the clients that are still connected.
braid::task<> serve(const braid::tcp::listener& door, braid::stop_token no_more) {
  const auto accept = [&](braid::scope& clients) -> braid::task<> {
    while (auto client = co_await braid::as_result(braid::with_stop_token(door.accept(), no_more)))
      clients.spawn(braid::as_result(serve_one(*std::move(client))));  // its error stays its own
  };
  co_await braid::with_scope(accept);
}

braid::task<> run_server(const braid::tcp::listener& door, braid::event& closing) {
  braid::stop_source no_more;  // outlives the scope, in which its token is used
  const auto until_closing = [&](braid::scope& all) -> braid::task<> {
    auto served = all.spawn(serve(door, no_more.get_token()));
    co_await closing.wait();
    no_more.request_stop();
    co_await braid::with_timeout(std::move(served), 5s);  // then the remaining clients are cancelled
  };
  co_await braid::with_scope(until_closing);
}
// [/server]

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

braid::task<std::vector<std::string>> ask_all(braid::endpoint server, std::vector<std::string> questions) {
  const auto one = [&](const std::string& question) { return ask_patiently(server, question); };
  co_return co_await braid::map_concurrent(questions, 2, one);  // never more than two at once
}
// [/client]

braid::task<> talk() {
  auto door = co_await braid::tcp::listen(braid::endpoint::loopback());
  braid::event closing;
  auto server = braid::spawn(run_server(door, closing));
  const std::vector<std::string> questions{"one", "two", "three"};
  for (const std::string& answer : co_await ask_all(door.local_endpoint(), questions))
    std::printf("%s\n", answer.c_str());
  std::printf("%d connections\n", connections);
  closing.set();
  co_await std::move(server);
  std::printf("the server has ended\n");
}

}  // namespace

int main() { braid::run(talk()); }
