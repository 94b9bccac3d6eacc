#include <braid/braid.hpp>

#include "pingpong/message.hpp"
#include "pingpong/stream_pair.hpp"
#include "style.hpp"
#include "thread_loop.hpp"

namespace {

braid::task<> serve(const braid::tcp::stream& peer, std::uint64_t n) {
  bench::message letter;
  for (std::uint64_t i = 0; i < n; ++i) {
    co_await peer.read_exactly(letter.bytes());
    letter.answer();
    co_await peer.write_all(letter.bytes());
  }
}

braid::task<> ask(const braid::tcp::stream& peer, std::uint64_t n, std::uint64_t& proof) {
  bench::message letter;
  for (std::uint64_t i = 0; i < n; ++i) {
    letter.set_number(i);
    co_await peer.write_all(letter.bytes());
    co_await peer.read_exactly(letter.bytes());
    proof += letter.number();
  }
}

template <braid::backend On>
struct both_ends {
  bench::thread_loop loop{{.backend = On}};
  bench::stream_pair sockets;

  std::uint64_t run(std::uint64_t n) {
    std::uint64_t proof = 0;
    loop->run(braid::when_all(serve(sockets.server, n), ask(sockets.client, n, proof)));
    return proof;
  }
};

const bench::add<both_ends<braid::backend::automatic>> here{"pingpong", "coroutine"};
const bench::add<both_ends<braid::backend::epoll>> on_epoll{"pingpong_epoll", "coroutine"};

}  // namespace
