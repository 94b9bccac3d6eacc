// A program outside the tree that uses an installed braid-http.

#include <braid/combine/when_any.hpp>
#include <braid/http/server.hpp>
#include <braid/net/tcp.hpp>
#include <braid/style/run.hpp>
#include <braid/style/task.hpp>

#include <cstdio>
#include <string>
#include <string_view>

namespace {

braid::task<braid::http::response> hello(braid::http::request&) {
  co_return braid::http::response(200, "hello");
}

braid::task<> visit(braid::endpoint at, std::string& answer) {
  const braid::tcp::stream server = co_await braid::tcp::connect(at);
  co_await server.write_all("GET / HTTP/1.0\r\n\r\n");
  answer.resize(4096);
  std::size_t size = 0;
  for (std::size_t got = 1; got != 0; size += got) {
    const auto room = std::span(answer).subspan(size);
    got = co_await server.read_some(room);
  }
  answer.resize(size);
}

}  // namespace

int main() {
  const braid::tcp::listener door = braid::tcp::listen_now(braid::endpoint::loopback());
  std::string answer;
  auto both = braid::when_any(braid::http::serve(door, hello), visit(door.local_endpoint(), answer));
  braid::run(std::move(both));
  std::printf("%s\n", answer.c_str());
  return answer.ends_with("\r\n\r\nhello") ? 0 : 1;
}
