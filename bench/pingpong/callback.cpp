#include <braid/braid.hpp>

#include "pingpong/message.hpp"
#include "pingpong/stream_pair.hpp"
#include "style.hpp"
#include "thread_loop.hpp"

namespace {

struct server {
  const braid::tcp::stream& peer;
  std::uint64_t left = 0;
  bench::message letter{};

  void receive() {
    braid::start(peer.read_exactly(letter.bytes()), [this](braid::result<void> ended) {
      if (ended) answer();
    });
  }
  void answer() {
    letter.answer();
    braid::start(peer.write_all(letter.bytes()), [this](braid::result<void> ended) {
      if (ended) next();
    });
  }
  void next() {
    if (--left > 0) receive();
  }
};

struct client {
  const braid::tcp::stream& peer;
  std::uint64_t n = 0;
  std::uint64_t asked = 0;
  std::uint64_t proof = 0;
  bench::message letter{};

  void ask() {
    letter.set_number(asked++);
    braid::start(peer.write_all(letter.bytes()), [this](braid::result<void> ended) {
      if (ended) receive();
    });
  }
  void receive() {
    braid::start(peer.read_exactly(letter.bytes()), [this](braid::result<void> ended) {
      if (ended) next();
    });
  }
  void next() {
    proof += letter.number();
    if (asked < n) ask();
  }
};

template <braid::backend On>
struct both_ends {
  bench::thread_loop loop{{.backend = On}};
  bench::stream_pair sockets;

  std::uint64_t run(std::uint64_t n) {
    server one{sockets.server, n};
    client other{sockets.client, n};
    one.receive();
    other.ask();
    loop->run();
    return other.proof;
  }
};

const bench::add<both_ends<braid::backend::automatic>> here{"pingpong", "callback"};
const bench::add<both_ends<braid::backend::epoll>> on_epoll{"pingpong_epoll", "callback"};

}  // namespace
