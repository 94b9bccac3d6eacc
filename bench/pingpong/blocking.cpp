#include <sys/socket.h>

#include <span>
#include <thread>

#include "pingpong/message.hpp"
#include "pingpong/tcp_pair.hpp"
#include "style.hpp"

namespace {

bool send_all(int socket, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

bool receive_all(int socket, std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const auto got = ::recv(socket, bytes.data(), bytes.size(), 0);
    if (got <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
  return true;
}

/// Two threads, one for each end, on the cores that the kernel chooses: that is how blocking code is written.
/// (One thread could serve both ends here, but only because it knows when the other end has data.)
class two_threads {
 public:
  ~two_threads() { ::shutdown(sockets_.client(), SHUT_RDWR); }

  std::uint64_t run(std::uint64_t n) {
    std::uint64_t proof = 0;
    for (std::uint64_t i = 0; i < n; ++i) {
      bench::message letter;
      letter.set_number(i);
      if (!send_all(sockets_.client(), letter.bytes())) break;
      if (!receive_all(sockets_.client(), letter.bytes())) break;
      proof += letter.number();
    }
    return proof;
  }

 private:
  void serve() {
    bench::message letter;
    while (receive_all(sockets_.server(), letter.bytes())) {
      letter.answer();
      if (!send_all(sockets_.server(), letter.bytes())) return;
    }
  }

  bench::tcp_pair sockets_;
  std::jthread server_{[this] { serve(); }};
};

const bench::add<two_threads> here{"pingpong", "blocking"};

}  // namespace
