#pragma once

#include <cerrno>
#include <memory>
#include <optional>

#include "network/connection.hpp"
#include "network/listening.hpp"
#include "network/socket_object.hpp"

namespace braid::sim::detail {

// A TCP socket of a simulated host: unbound, bound, listening, or an end of a connection. attempt() handles
// connect, accept, accept_many (one connection an attempt), send, send_parts, receive, write, read, shutdown,
// poll.
class tcp_socket final : public socket_object {
 public:
  tcp_socket(network& within, machine& on, int family) noexcept : socket_object(within, on, family) {}
  ~tcp_socket() override;

  std::optional<std::int32_t> attempt(const request& what) override;
  std::string describe() const override;
  void closed() noexcept override;
  void reset() noexcept override;

  int bind(const sockaddr* address, socklen_t length) override;
  int listen(int backlog) override;
  int connect(const sockaddr*, socklen_t) override { return -EOPNOTSUPP; }
  int set_option(int level, int name, const void* value, socklen_t length) override;
  int peer_name(sockaddr_storage& name) const override;

 private:
  [[nodiscard]] ports& its_ports() const override { return network_.ports_of(its_host()); }
  [[nodiscard]] bool may_bind() const noexcept override {
    return !bound_ && listening_ == nullptr && connection_ == nullptr;
  }
  [[nodiscard]] bool ignores(int level, int name) const noexcept override;
  std::optional<std::int32_t> connect(const request& what);
  int begin_connect(const sockaddr* address, socklen_t length);
  int take_name(const socket_name& to, const host& target);
  void disconnect();
  std::optional<std::int32_t> accept();
  std::optional<std::int32_t> send(const request& what);
  std::optional<std::int32_t> send_parts(const msghdr& parts);
  std::optional<std::int32_t> receive(const request& what);
  int shutdown(int how);
  std::optional<std::int32_t> poll(short wanted);
  void listens_no_more();
  void is_end_of(std::shared_ptr<connection> whole, tcp_end& end);

  bool bound_ = false;  // by bind
  bool resets_ = false;  // SO_LINGER{1, 0}

  std::shared_ptr<listening> listening_;

  std::shared_ptr<connection> connection_;
  tcp_end* end_ = nullptr;  // this socket's end of the connection
  bool connect_reported_ = false;
};

}  // namespace braid::sim::detail
