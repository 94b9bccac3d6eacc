// An HTTP server that says hello on Boost.Beast, with coroutines, on one io_context of one thread.

#include "asio_context.hpp"

#include <cstdio>

#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "listening.hpp"

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;

asio::awaitable<void> answer(tcp::socket client) {
  try {
    boost::beast::flat_buffer room;
    for (bool more = true; more;) {
      http::request<http::string_body> asked;
      co_await http::async_read(client, room, asked, asio::use_awaitable);
      http::response<http::string_body> hello(http::status::ok, asked.version());
      hello.set(http::field::content_type, "text/plain; charset=utf-8");
      hello.body() = "hello, world\n";
      hello.keep_alive(asked.keep_alive());
      hello.prepare_payload();
      more = hello.keep_alive();
      co_await http::async_write(client, hello, asio::use_awaitable);
    }
  } catch (const boost::system::system_error&) {  // the end of the stream, or a reset
  }
}

asio::awaitable<void> serve(tcp::acceptor& door) {
  for (;;) {
    tcp::socket client = co_await door.async_accept(asio::use_awaitable);
    client.set_option(tcp::no_delay(true));
    asio::co_spawn(door.get_executor(), answer(std::move(client)), asio::detached);
  }
}

}  // namespace

int main() {
  bench::asio_context here;
  tcp::acceptor door(here, {asio::ip::address_v4::loopback(), 0});
  std::printf("%d\n", door.local_endpoint().port());
  std::fflush(stdout);
  asio::co_spawn(here, serve(door), asio::detached);
  here.run();
}
