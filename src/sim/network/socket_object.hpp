#pragma once

#include <sys/socket.h>

#include <memory>

#include "machine.hpp"
#include "network/network.hpp"
#include "network/ports.hpp"
#include "network/socket_name.hpp"

namespace braid::sim::detail {

// A socket of a simulated host: its name, its port, and the calls that TCP and UDP answer alike. Each call
// returns its result or minus the errno.
class socket_object : public object {
 public:
  [[nodiscard]] host& its_host() const noexcept { return machine_.owner(); }

  virtual int bind(const sockaddr* address, socklen_t length);
  virtual int listen(int backlog) = 0;
  // connect(2) where it does not wait.
  virtual int connect(const sockaddr* address, socklen_t length) = 0;
  virtual int set_option(int level, int name, const void* value, socklen_t length);
  int local_name(sockaddr_storage& name) const;
  virtual int peer_name(sockaddr_storage& name) const = 0;

 protected:
  socket_object(network& within, machine& on, int family) noexcept
      : network_(within), machine_(on), family_(family), local_{family, 0, 0} {}

  // The ports of its host and protocol.
  [[nodiscard]] virtual ports& its_ports() const = 0;
  [[nodiscard]] virtual bool may_bind() const noexcept = 0;
  // Called when it has got a port.
  virtual void on_port() {}
  // An option that is accepted and changes nothing here.
  [[nodiscard]] virtual bool ignores(int level, int name) const noexcept = 0;

  // False if the name is taken.
  [[nodiscard]] bool take_port(const socket_name& name);
  // Takes a port that the system chooses, unless it has one. False if none is left.
  [[nodiscard]] bool take_any_port() { return port_ != nullptr || take_port(local_.with_port(0)); }
  // Reads the name that a program connects or sends to.
  [[nodiscard]] int read_target(const sockaddr* address, socklen_t length, socket_name& to) const noexcept;
  // The address from which it reaches `to`, without a port.
  [[nodiscard]] socket_name source_for(const socket_name& to) const noexcept;

  // Does an IPv6 socket take part in IPv4 as well?
  [[nodiscard]] bool is_dual() const noexcept { return family_ == AF_INET6 && !v6_only_; }

  network& network_;
  machine& machine_;
  const int family_;
  socket_name local_;  // of IPv4 where an IPv6 socket talks to an IPv4 address
  std::shared_ptr<ports::binding> port_;
  bool shares_ = false;  // SO_REUSEADDR
  bool v6_only_ = false;
};

}  // namespace braid::sim::detail
