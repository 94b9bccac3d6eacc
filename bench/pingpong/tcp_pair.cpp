#include "pingpong/tcp_pair.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace bench {
namespace {

int checked(int result, const char* call) {
  if (result < 0) throw std::system_error(errno, std::system_category(), call);
  return result;
}

int new_socket() { return checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"); }

void send_at_once(int socket) {
  const int on = 1;
  checked(::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "setsockopt TCP_NODELAY");
}

}  // namespace

tcp_pair::tcp_pair() {
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const address = reinterpret_cast<sockaddr*>(&where);
  socklen_t size = sizeof where;

  const int listener = new_socket();
  checked(::bind(listener, address, size), "bind 127.0.0.1");
  checked(::listen(listener, 1), "listen");
  checked(::getsockname(listener, address, &size), "getsockname");
  client_ = new_socket();
  checked(::connect(client_, address, size), "connect 127.0.0.1");
  server_ = checked(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC), "accept4");
  ::close(listener);
  send_at_once(client_);
  send_at_once(server_);
}

tcp_pair::~tcp_pair() {
  for (const int socket : {client_, server_}) {
    if (socket >= 0) ::close(socket);
  }
}

}  // namespace bench
