#include <braid/braid.hpp>

#include "pingpong/message.hpp"
#include "pingpong/stream_pair.hpp"
#include "style.hpp"
#include "thread_loop.hpp"

namespace {

void serve(const braid::tcp::stream& peer, std::uint64_t n) {
  bench::message letter;
  for (std::uint64_t i = 0; i < n; ++i) {
    braid::await(peer.read_exactly(letter.bytes()));
    letter.answer();
    braid::await(peer.write_all(letter.bytes()));
  }
}

std::uint64_t ask(const braid::tcp::stream& peer, std::uint64_t n) {
  bench::message letter;
  std::uint64_t proof = 0;
  for (std::uint64_t i = 0; i < n; ++i) {
    letter.set_number(i);
    braid::await(peer.write_all(letter.bytes()));
    braid::await(peer.read_exactly(letter.bytes()));
    proof += letter.number();
  }
  return proof;
}

template <braid::backend On>
struct both_ends {
  bench::thread_loop loop{{.backend = On}};
  bench::stream_pair sockets;

  std::uint64_t run(std::uint64_t n) {
    const auto ended = loop->run(braid::when_all(braid::in_fiber([&] { serve(sockets.server, n); }),
                                                 braid::in_fiber([&] { return ask(sockets.client, n); })));
    return std::get<1>(ended);
  }
};

const bench::add<both_ends<braid::backend::automatic>> here{"pingpong", "fiber"};
const bench::add<both_ends<braid::backend::epoll>> on_epoll{"pingpong_epoll", "fiber"};

}  // namespace
