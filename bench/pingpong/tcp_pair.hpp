#pragma once

#include <utility>

namespace bench {

/// Two connected TCP sockets on the loopback interface, blocking, TCP_NODELAY set on both.
class tcp_pair {
 public:
  tcp_pair();
  ~tcp_pair();
  tcp_pair(const tcp_pair&) = delete;
  tcp_pair& operator=(const tcp_pair&) = delete;

  [[nodiscard]] int client() const noexcept { return client_; }
  [[nodiscard]] int server() const noexcept { return server_; }
  /// Gives up the socket: the caller closes it.
  [[nodiscard]] int release_client() noexcept { return std::exchange(client_, -1); }
  [[nodiscard]] int release_server() noexcept { return std::exchange(server_, -1); }

 private:
  int client_ = -1;
  int server_ = -1;
};

}  // namespace bench
