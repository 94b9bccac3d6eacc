#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <string>

#include "machine.hpp"

namespace braid::sim::detail {

// A simulated socket, TCP over IPv4. What attempt() does: connect, accept, accept_many (one connection an
// attempt), send, receive, shutdown, poll.
class socket_object : public object {
 public:
  virtual int bind(const sockaddr* address, socklen_t length) = 0;
  virtual int listen(int backlog) = 0;
  virtual int set_option(int level, int name, const void* value, socklen_t length) = 0;
  virtual int local_name(sockaddr_storage& name) const = 0;
  virtual int peer_name(sockaddr_storage& name) const = 0;
};

// What lies between the hosts: who listens where, and segments on their way.
class network : pinned {
 public:
  explicit network(world& in);
  ~network();

  // A socket, or null with minus the errno in failed.
  std::shared_ptr<socket_object> make_socket(machine& on, int family, int type, int protocol, int& failed);
  // Its sockets vanish without a word; what is sent to them is answered with a reset.
  void lose_power(machine& which);
  // Two hosts are joined again: what was held back goes on.
  void joined(machine& one, machine& other);

 private:
  struct body;
  std::unique_ptr<body> body_;
};

}  // namespace braid::sim::detail
