// The echo server on Boost.Asio, with coroutines, on one io_context that knows it has one thread.

#include "asio_context.hpp"

#include <array>
#include <cstdio>

#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include "listening.hpp"

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

asio::awaitable<void> echo(tcp::socket client) {
  try {
    std::array<char, bench::room> bytes;
    for (;;) {
      const std::size_t got = co_await client.async_read_some(asio::buffer(bytes), asio::use_awaitable);
      co_await asio::async_write(client, asio::buffer(bytes.data(), got), asio::use_awaitable);
    }
  } catch (const boost::system::system_error&) {  // the end of the stream, or a reset
  }
}

asio::awaitable<void> serve(tcp::acceptor& door) {
  for (;;) {
    tcp::socket client = co_await door.async_accept(asio::use_awaitable);
    asio::co_spawn(door.get_executor(), echo(std::move(client)), asio::detached);
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
