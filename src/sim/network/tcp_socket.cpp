#include "network/tcp_socket.hpp"

#include <netinet/tcp.h>
#include <poll.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "braid/loop/bytes.hpp"

namespace braid::sim::detail {

// The socket was closed before, or its host lost its power, or the world ends: the peer gets nothing here.
tcp_socket::~tcp_socket() {
  if (end_ != nullptr) end_->belongs_to(nullptr);
}

std::optional<std::int32_t> tcp_socket::attempt(const request& what) {
  const auto at_position = [&] { return what.offset == 0 || what.offset == request::current_position; };
  switch (what.code) {
    case opcode::connect: return connect(what);
    case opcode::accept:
    case opcode::accept_many: return accept();
    case opcode::send: return send(what);
    case opcode::send_parts: return send_parts(*static_cast<const msghdr*>(what.address));
    case opcode::receive: return receive(what);
    case opcode::write:
      return at_position() ? send({.address = what.address, .length = what.length}) : -ESPIPE;
    case opcode::read:
      return at_position() ? receive({.address = what.address, .length = what.length}) : -ESPIPE;
    case opcode::shutdown: return shutdown(static_cast<int>(what.length));
    case opcode::poll: return poll(static_cast<short>(what.flags));
    default: return -EINVAL;
  }
}

std::string tcp_socket::describe() const {
  return end_ != nullptr && !end_->is_over() ? end_->peer().local().to_string() : local_.to_string();
}

// Without memory the other end learns nothing, as if the last segment were lost.
void tcp_socket::closed() noexcept {
  try {
    listens_no_more();
    disconnect();
  } catch (const std::bad_alloc&) {}
  port_.reset();
}

void tcp_socket::reset() noexcept {
  try {
    if (end_ != nullptr) end_->break_off();
  } catch (const std::bad_alloc&) {}
}

// ---- names ----------------------------------------------------------------------------------------------

int tcp_socket::bind(const sockaddr* address, socklen_t length) {
  const int failed = socket_object::bind(address, length);
  if (failed == 0) bound_ = true;
  return failed;
}

int tcp_socket::peer_name(sockaddr_storage& name) const {
  if (end_ == nullptr || end_->at() == tcp_end::stage::connecting || end_->is_over()) return -ENOTCONN;
  write_name(family_, end_->peer().local(), name);
  return 0;
}

bool tcp_socket::ignores(int level, int name) const noexcept {
  if (level == IPPROTO_TCP)
    return name == TCP_NODELAY || name == TCP_KEEPIDLE || name == TCP_KEEPINTVL || name == TCP_KEEPCNT ||
           name == TCP_USER_TIMEOUT || name == TCP_FASTOPEN || name == TCP_FASTOPEN_CONNECT;
  return level == SOL_SOCKET &&
         (name == SO_KEEPALIVE || name == SO_SNDBUF || name == SO_RCVBUF || name == SO_REUSEPORT);
}

int tcp_socket::set_option(int level, int name, const void* value, socklen_t length) {
  if (level != SOL_SOCKET || name != SO_LINGER) return socket_object::set_option(level, name, value, length);
  linger wanted{};
  if (length < static_cast<socklen_t>(sizeof wanted)) return -EINVAL;
  std::memcpy(&wanted, value, sizeof wanted);
  resets_ = wanted.l_onoff != 0 && wanted.l_linger == 0;
  return 0;
}

// ---- connections ----------------------------------------------------------------------------------------

int tcp_socket::listen(int backlog) {
  if (connection_ != nullptr) return -EINVAL;
  if (listening_ != nullptr) {
    listening_->set_backlog(backlog);
    return 0;
  }
  if (!take_any_port()) return -EADDRINUSE;
  auto made = std::make_shared<listening>(*this, shares_, is_dual(), backlog);
  if (!its_ports().listen(*port_, made)) return -EADDRINUSE;
  listening_ = std::move(made);
  local_ = port_->name();
  return 0;
}

void tcp_socket::listens_no_more() {
  if (const auto ended = std::exchange(listening_, nullptr)) ended->end();
}

std::optional<std::int32_t> tcp_socket::accept() {
  if (listening_ == nullptr) return -EINVAL;
  if (listening_->empty()) return std::nullopt;
  const auto whole = listening_->oldest();
  const auto made = std::make_shared<tcp_socket>(network_, machine_, family_);
  const int number = machine_.install(made);
  if (number < 0) return number;  // the connection waits for the next accept
  listening_->take_oldest();
  made->is_end_of(whole, whole->server());
  made->shares_ = shares_;
  made->resets_ = resets_;
  made->bound_ = made->connect_reported_ = true;
  return number;
}

void tcp_socket::is_end_of(std::shared_ptr<connection> whole, tcp_end& end) {
  connection_ = std::move(whole);
  end_ = &end;
  end.belongs_to(this);
  port_ = end.port();
  local_ = end.local();
}

// The first attempt sends the SYN; the attempt that finds it answered ends the call.
std::optional<std::int32_t> tcp_socket::connect(const request& what) {
  if (listening_ != nullptr || connect_reported_) return -EISCONN;
  if (connection_ == nullptr) {
    const int failed =
        begin_connect(static_cast<const sockaddr*>(what.address), static_cast<socklen_t>(what.offset));
    if (failed < 0) return failed;
    return std::nullopt;
  }
  if (end_->at() == tcp_end::stage::connecting) return std::nullopt;
  if (end_->at() == tcp_end::stage::closed) {
    const int why = end_->take_error();
    disconnect();
    return why != 0 ? -why : -ECONNABORTED;
  }
  connect_reported_ = true;
  return 0;
}

int tcp_socket::begin_connect(const sockaddr* address, socklen_t length) {
  socket_name to;
  int failed = read_target(address, length, to);
  if (failed < 0) return failed;
  host* const target = network_.find(to, its_host(), failed);
  if (target == nullptr) return failed;
  failed = take_name(to, *target);
  if (failed < 0) return failed;
  auto made = std::make_shared<connection>(network_, its_host(), local_, *target, to);
  tcp_end& client = made->client();
  client.connect(port_);
  is_end_of(std::move(made), client);
  return 0;
}

int tcp_socket::take_name(const socket_name& to, const host& target) {
  if (local_.is_loopback() && &target != &its_host()) return -EINVAL;
  if (!take_any_port()) return -EADDRNOTAVAIL;
  if (local_.is_any()) local_ = source_for(to);
  local_.port = port_->name().port;
  return 0;
}

// As connect(2) to AF_UNSPEC; also when the socket is closed.
void tcp_socket::disconnect() {
  if (connection_ == nullptr) return;
  if (resets_) end_->abort();
  end_->close();
  end_ = nullptr;
  connection_.reset();
  connect_reported_ = false;
  if (!bound_) local_ = {family_, 0, local_.port};
}

// ---- bytes ----------------------------------------------------------------------------------------------

std::optional<std::int32_t> tcp_socket::send(const request& what) {
  if (end_ == nullptr) return -EPIPE;
  return end_->send(what.address, what.length);
}

// As many bytes of the parts as there is room for now.
std::optional<std::int32_t> tcp_socket::send_parts(const msghdr& parts) {
  std::int32_t sent = 0;
  for (std::size_t n = 0; n < parts.msg_iovlen; ++n) {
    const iovec& part = parts.msg_iov[n];
    const auto taken = send({.address = part.iov_base, .length = transfer_length(part.iov_len)});
    if (!taken || *taken < 0) return sent != 0 ? sent : taken;
    sent += *taken;
    if (static_cast<std::size_t>(*taken) < part.iov_len) break;
  }
  return sent;
}

std::optional<std::int32_t> tcp_socket::receive(const request& what) {
  if (end_ == nullptr) return -ENOTCONN;
  return end_->receive(what.address, what.length, (what.flags & MSG_WAITALL) != 0);
}

int tcp_socket::shutdown(int how) {
  if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR) return -EINVAL;
  if (listening_ != nullptr) {
    if (how != SHUT_WR) {
      listens_no_more();
      if (!bound_) port_.reset();
      changed();
    }
    return 0;
  }
  if (end_ == nullptr) return -ENOTCONN;
  if (end_->at() == tcp_end::stage::connecting) {
    disconnect();
    changed();
    return 0;
  }
  return end_->shut(how != SHUT_WR, how != SHUT_RD);
}

std::optional<std::int32_t> tcp_socket::poll(short wanted) {
  int found = POLLOUT | POLLHUP;  // for a socket that is neither listening nor connected
  if (listening_ != nullptr)
    found = listening_->empty() ? 0 : POLLIN;
  else if (end_ != nullptr)
    found = end_->events();
  found &= wanted | POLLERR | POLLHUP;
  if (found == 0) return std::nullopt;
  return found;
}

}  // namespace braid::sim::detail
