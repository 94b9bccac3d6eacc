// The sample of docs/tls.md.

#include <string>
#include <string_view>
#include <utility>

#include "braid/combine/with_timeout.hpp"
#include "braid/net/serve.hpp"
#include "braid/net/tcp.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/spawn.hpp"
#include "braid/tls/accept.hpp"
#include "braid/tls/connect.hpp"
#include "catch.hpp"
#include "tls/connection.hpp"

namespace {

// [echo]
braid::task<> echo(braid::tcp::stream client, braid::tls::context serving) {
  braid::tls::stream peer = co_await braid::tls::accept(std::move(client), std::move(serving));
  std::string part(4096, '\0');
  while (const std::size_t got = co_await peer.read_some(part))  // 0: the client has finished, in order
    co_await peer.write_all(std::string_view(part).substr(0, got));
  co_await peer.close();
}

braid::task<> serve(const braid::tcp::listener& door, braid::tls::context serving) {
  const auto handler = [&](braid::tcp::stream client) { return echo(std::move(client), serving); };
  co_await braid::tcp::serve(door, handler);
}
// [/echo]

// [ask]
braid::task<std::string> ask(std::string host, std::string port, braid::tls::context trusting) {
  braid::tls::stream server =
      co_await braid::tls::connect(std::move(host), std::move(port), std::move(trusting));
  co_await server.write_all("hello");
  std::string answer(5, '\0');
  co_await server.read_exactly(answer);
  co_await server.close();
  co_return answer;
}
// [/ask]

}  // namespace

using namespace braid;
using namespace braid_tests;

TEST_CASE("tls: an echo server in a few lines", "[tls]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  loop here;
  const tcp::listener door = tcp::listen_now(endpoint::loopback());
  const std::string port = std::to_string(door.local_endpoint().port());
  auto serving = spawn(as_result(serve(door, here_and_now().serving)));
  for (int i = 0; i < 3; ++i)
    CHECK(style.wait(ask("127.0.0.1", port, here_and_now().trusting)).value() == "hello");
  serving.request_stop();
  CHECK(here.run(std::move(serving)).error() == std::errc::operation_canceled);
}
