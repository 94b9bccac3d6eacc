#include <braid/braid.hpp>

#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

using namespace std::chrono_literals;

braid::task<> serve_one(braid::tcp::stream client) {
  std::string received(1024, '\0');
  while (const std::size_t got = co_await client.read_some(received))  // 0: the client has finished
    co_await client.write_all(std::string_view(received).substr(0, got));
}

/// Accepts until no_more is requested, then waits for the clients that are still connected.
braid::task<> serve(const braid::tcp::listener& door, braid::stop_token no_more) {
  const auto accept = [&](braid::scope& clients) -> braid::task<> {
    while (!no_more.stop_requested()) {
      auto client = co_await braid::as_result(braid::with_stop_token(door.accept(), no_more));
      if (client)
        clients.spawn(braid::as_result(serve_one(*std::move(client))));  // its error stays its own
      else if (!no_more.stop_requested())
        co_await braid::sleep_for(100ms);  // accept failed, perhaps without a free descriptor: try again
    }
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

braid::task<> visit(braid::endpoint server, braid::event& closing) {
  const auto talk = co_await braid::tcp::connect(server);
  co_await talk.write_all("hello");
  std::string answer(5, '\0');
  co_await talk.read_exactly(answer);
  std::printf("the server says %s\n", answer.c_str());
  closing.set();
}

braid::task<> server_and_visitor() {
  const auto door = co_await braid::tcp::listen(braid::endpoint::loopback());  // 127.0.0.1, a free port
  braid::event closing;
  co_await braid::when_all(run_server(door, closing), visit(door.local_endpoint(), closing));
}

int main() {
  braid::run(server_and_visitor());
  std::printf("the server has ended\n");
}
