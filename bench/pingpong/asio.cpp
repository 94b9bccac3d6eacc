#include "asio_context.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "pingpong/message.hpp"
#include "pingpong/tcp_pair.hpp"
#include "style.hpp"

namespace {

using boost::asio::awaitable;
using boost::asio::buffer;
using boost::asio::use_awaitable;
using boost::asio::ip::tcp;

awaitable<void> serve(tcp::socket& peer, std::uint64_t n) {
  bench::message letter;
  for (std::uint64_t i = 0; i < n; ++i) {
    co_await boost::asio::async_read(peer, buffer(letter.bytes()), use_awaitable);
    letter.answer();
    co_await boost::asio::async_write(peer, buffer(letter.bytes()), use_awaitable);
  }
}

awaitable<void> ask(tcp::socket& peer, std::uint64_t n, std::uint64_t& proof) {
  bench::message letter;
  for (std::uint64_t i = 0; i < n; ++i) {
    letter.set_number(i);
    co_await boost::asio::async_write(peer, buffer(letter.bytes()), use_awaitable);
    co_await boost::asio::async_read(peer, buffer(letter.bytes()), use_awaitable);
    proof += letter.number();
  }
}

struct both_ends {
  bench::asio_context context;
  bench::tcp_pair sockets;
  tcp::socket client{context, tcp::v4(), sockets.release_client()};
  tcp::socket server{context, tcp::v4(), sockets.release_server()};

  std::uint64_t run(std::uint64_t n) {
    std::uint64_t proof = 0;
    context.run_all(serve(server, n), ask(client, n, proof));
    return proof;
  }
};

const bench::add<both_ends> here{"pingpong", "asio"};
const bench::add<both_ends> on_epoll{"pingpong_epoll", "asio"};

}  // namespace
