#pragma once

#include <cerrno>
#include <memory>
#include <optional>

#include "network/connection.hpp"
#include "network/listening.hpp"
#include "network/network.hpp"

namespace braid::sim::detail {

// A TCP socket of a simulated host: unbound, bound, listening, or an end of a connection. attempt() handles
// connect, accept, accept_many (one connection an attempt), send, receive, write, read, shutdown, poll.
class tcp_socket final : public socket_object {
 public:
  tcp_socket(network& within, machine& on, int family) noexcept
      : network_(within), machine_(on), local_{family, 0, 0} {}
  ~tcp_socket() override;

  std::optional<std::int32_t> attempt(const request& what) override;
  std::string describe() const override;
  void closed() noexcept override;
  void reset() noexcept override;

  int bind(const sockaddr* address, socklen_t length) override;
  int listen(int backlog) override;
  int connect(const sockaddr*, socklen_t) override { return -EOPNOTSUPP; }
  int set_option(int level, int name, const void* value, socklen_t length) override;
  int local_name(sockaddr_storage& name) const override;
  int peer_name(sockaddr_storage& name) const override;

 private:
  std::optional<std::int32_t> connect(const request& what);
  int begin_connect(const sockaddr* address, socklen_t length);
  int take_port(const socket_name& to, const host& target);
  void disconnect();
  std::optional<std::int32_t> accept();
  std::optional<std::int32_t> send(const request& what);
  std::optional<std::int32_t> receive(const request& what);
  int shutdown(int how);
  std::optional<std::int32_t> poll(short wanted);
  void listens_no_more();
  void is_end_of(std::shared_ptr<connection> whole, tcp_end& end);
  [[nodiscard]] host& its_host() const noexcept { return machine_.owner(); }

  network& network_;
  machine& machine_;
  socket_name local_;
  std::shared_ptr<ports::binding> port_;
  bool bound_ = false;  // by bind
  bool shares_ = false;  // SO_REUSEADDR
  bool resets_ = false;  // SO_LINGER{1, 0}

  std::shared_ptr<listening> listening_;

  std::shared_ptr<connection> connection_;
  tcp_end* end_ = nullptr;  // this socket's end of the connection
  bool connect_reported_ = false;
};

}  // namespace braid::sim::detail
