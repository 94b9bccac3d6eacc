// A program outside the tree that uses an installed braid-redis. It plays the server itself.

#include <braid/combine/when_any.hpp>
#include <braid/net/tcp.hpp>
#include <braid/redis/client.hpp>
#include <braid/style/run.hpp>
#include <braid/style/task.hpp>

#include <array>
#include <cstdio>
#include <span>
#include <string>

namespace {

// Answers the greeting, and then GET.
braid::task<> serve(const braid::tcp::listener& door) {
  const braid::tcp::stream client = co_await door.accept();
  std::array<char, 64> part;
  (void)co_await client.read_some(part);
  co_await client.write_all("+PONG\r\n");
  (void)co_await client.read_some(part);
  co_await client.write_all("$5\r\nhello\r\n");
  (void)co_await client.read_some(part);
}

braid::task<> ask(braid::endpoint at, std::string& answer) {
  braid::redis::client db(at);
  const std::optional<std::string> got = co_await db.get("greeting");
  answer = got.value_or("nothing");
}

}  // namespace

int main() {
  const braid::tcp::listener door = braid::tcp::listen_now(braid::endpoint::loopback());
  std::string answer;
  auto both = braid::when_any(serve(door), ask(door.local_endpoint(), answer));
  braid::run(std::move(both));
  std::printf("%s\n", answer.c_str());
  return answer == "hello" ? 0 : 1;
}
