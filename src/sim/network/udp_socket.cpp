#include "network/udp_socket.hpp"

#include <netinet/in.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace braid::sim::detail {

namespace {

constexpr std::size_t most_bytes_v4 = 65'507, most_bytes_v6 = 65'527;
// How much of the receiver's buffer a datagram takes: a small one costs at least its bookkeeping.
std::size_t charge(const datagram& what) noexcept { return std::max<std::size_t>(what.bytes.size(), 256); }

}  // namespace

udp_socket::~udp_socket() { closed(); }

void udp_socket::closed() noexcept {
  if (port_ == nullptr) return;
  network_.of_datagrams().leave(*this);
  port_.reset();
}

std::optional<std::int32_t> udp_socket::attempt(const request& what) {
  switch (what.code) {
    case opcode::connect:
      return connect(static_cast<const sockaddr*>(what.address), static_cast<socklen_t>(what.offset));
    case opcode::send_message: return send(what);
    case opcode::receive_message: return receive(what);
    case opcode::poll: return poll(static_cast<short>(what.flags));
    default: return -EOPNOTSUPP;
  }
}

std::string udp_socket::describe() const { return (peer_ ? *peer_ : local_).to_string(); }

// ---- names ----------------------------------------------------------------------------------------------

int udp_socket::connect(const sockaddr* address, socklen_t length) {
  socket_name to;
  int failed = read_target(address, length, to);
  if (failed < 0) return failed;
  const host* const target = network_.find(to, its_host(), failed);
  if (target == nullptr && failed != -EHOSTUNREACH) return failed;
  if (local_.is_loopback() && target != &its_host()) return -EINVAL;
  if (!take_any_port()) return -EAGAIN;
  if (local_.is_any()) local_ = source_for(to).with_port(local_.port);
  peer_ = to;
  return 0;
}

int udp_socket::peer_name(sockaddr_storage& name) const {
  if (!peer_) return -ENOTCONN;
  write_name(family_, *peer_, name);
  return 0;
}

bool udp_socket::ignores(int level, int name) const noexcept {
  if (level == SOL_SOCKET)
    return name == SO_BROADCAST || name == SO_SNDBUF || name == SO_RCVBUF || name == SO_REUSEPORT;
  if (level == IPPROTO_IP)
    return name == IP_TTL || name == IP_MULTICAST_TTL || name == IP_MULTICAST_LOOP || name == IP_MULTICAST_IF;
  return level == IPPROTO_IPV6 && (name == IPV6_UNICAST_HOPS || name == IPV6_MULTICAST_HOPS ||
                                   name == IPV6_MULTICAST_LOOP || name == IPV6_MULTICAST_IF);
}

int udp_socket::set_option(int level, int name, const void* value, socklen_t length) {
  const bool joins = (level == IPPROTO_IP && name == IP_ADD_MEMBERSHIP) ||
                     (level == IPPROTO_IPV6 && name == IPV6_ADD_MEMBERSHIP);
  return joins ? -EOPNOTSUPP : socket_object::set_option(level, name, value, length);
}

// ---- sending --------------------------------------------------------------------------------------------

std::int32_t udp_socket::send(const request& what) {
  const auto met = std::exchange(next_meets_, std::nullopt);
  const auto& message = *static_cast<const msghdr*>(what.address);
  const request::buffer from = what.buffer_of_message();
  socket_name to;
  if (message.msg_name == nullptr) {
    if (!peer_) return -EDESTADDRREQ;
    to = *peer_;
  } else {
    const int failed = read_target(static_cast<const sockaddr*>(message.msg_name), message.msg_namelen, to);
    if (failed < 0) return failed;
    if (to.port == 0) return -EINVAL;
  }
  if (from.length > (to.family == AF_INET ? most_bytes_v4 : most_bytes_v6)) return -EMSGSIZE;
  if (error_ != 0) return -std::exchange(error_, 0);
  const int failed = transmit(to, {static_cast<const char*>(from.address), from.length}, met);
  return failed < 0 ? failed : static_cast<std::int32_t>(from.length);
}

// A datagram that does not fit into the send buffer is lost, as at a router.
int udp_socket::transmit(const socket_name& to, std::string bytes,
                         const std::optional<fault_schedule::hit>& met) {
  int failed = 0;
  host* const target = network_.find(to, its_host(), failed);
  if (target == nullptr && failed != -EHOSTUNREACH) return failed;
  if (local_.is_loopback() && target != &its_host()) return -EINVAL;
  if (!take_any_port()) return -EAGAIN;
  socket_name from = local_;
  if (from.is_any()) from = source_for(to);
  from.port = local_.port;
  datagram one{from, to, std::move(bytes)};

  datagrams& all = network_.of_datagrams();
  auto departs = network_.now();
  if (target != &its_host()) {
    const network_options& options = network_.options();
    if (uplink_.waiting(departs, options.bytes_per_second) >= options.buffer_bytes) {
      all.note_loss(its_host(), "cannot send a datagram so fast", one);
      return 0;
    }
    departs = uplink_.transmitted(one.bytes.size(), departs, options.bytes_per_second);
  }
  if (target == nullptr) all.note_loss(its_host(), "sends a datagram to an address that no host has", one);
  if (target == nullptr || (met && met->what == fault::lost)) return 0;
  if (met && met->what == fault::delayed) departs = loop_clock::later_than(departs, met->delay);
  if (met && met->what == fault::duplicated) all.send(its_host(), *target, one, departs);
  all.send(its_host(), *target, std::move(one), departs);
  return 0;
}

void udp_socket::is_refused(const socket_name& from, const socket_name& to) {
  if (from != local_ || !peer_ || to != *peer_) return;
  error_ = ECONNREFUSED;
  changed();
}

// ---- receiving ------------------------------------------------------------------------------------------

int udp_socket::fits(const datagram& what) const noexcept {
  if (local_.port != what.to.port) return 0;
  const bool of_both = local_.is_any() && local_.family == AF_INET6 && is_dual();
  if (local_.family != what.to.family && !of_both) return 0;
  if (!local_.is_any() && local_ != what.to) return 0;
  if (peer_ && *peer_ != what.from) return 0;
  return 1 + (local_.is_any() ? 0 : 1) + (peer_ ? 2 : 0);
}

bool udp_socket::takes(const datagram& what) {
  if (unread_bytes_ >= network_.options().buffer_bytes) return false;
  unread_bytes_ += charge(what);
  unread_.push_back(what);
  changed();
  return true;
}

std::optional<std::int32_t> udp_socket::receive(const request& what) {
  if (error_ != 0) return -std::exchange(error_, 0);
  if (unread_.empty()) return std::nullopt;
  const datagram first = std::move(unread_.front());
  unread_.pop_front();
  unread_bytes_ -= charge(first);
  auto& message = *static_cast<msghdr*>(what.address);
  const request::buffer to = what.buffer_of_message();
  const std::size_t size = std::min(to.length, first.bytes.size());
  if (size != 0) std::memcpy(to.address, first.bytes.data(), size);
  const bool truncated = size != first.bytes.size();
  message.msg_flags = truncated ? MSG_TRUNC : 0;
  message.msg_controllen = 0;
  if (message.msg_name != nullptr) {
    sockaddr_storage name;
    write_name(family_, first.from, name);
    const socklen_t length = family_ == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    std::memcpy(message.msg_name, &name, std::min(length, message.msg_namelen));
    message.msg_namelen = length;
  }
  return static_cast<std::int32_t>((what.flags & MSG_TRUNC) != 0 ? first.bytes.size() : size);
}

std::optional<std::int32_t> udp_socket::poll(short wanted) const {
  int found = POLLOUT | POLLWRNORM;
  if (!unread_.empty()) found |= POLLIN | POLLRDNORM;
  if (error_ != 0) found |= POLLERR | POLLIN | POLLRDNORM;
  found &= wanted | POLLERR;
  if (found == 0) return std::nullopt;
  return found;
}

}  // namespace braid::sim::detail
