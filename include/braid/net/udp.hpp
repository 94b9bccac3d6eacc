#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <utility>

#include "braid/core/just.hpp"
#include "braid/loop/bytes.hpp"
#include "braid/loop/descriptor.hpp"
#include "braid/loop/io_sender.hpp"
#include "braid/net/datagram_options.hpp"
#include "braid/net/detail/udp_outcomes.hpp"
#include "braid/net/endpoint.hpp"
#include "braid/net/network_interface.hpp"

namespace braid::udp {

/// A received datagram: its size and sender. Its bytes are in the caller's buffer.
///
///     std::array<char, 1500> buffer;
///     const udp::socket inbox = udp::bind_now(endpoint::loopback());
///     const udp::datagram got = co_await inbox.receive_from(buffer);
///     if (!got.truncated) log({buffer.data(), got.size});
struct datagram {
  std::size_t size = 0;  ///< bytes in the buffer; 0 for an empty datagram
  endpoint from{};
  bool truncated = false;  ///< it was longer than the buffer, and the rest is lost
};

/// A UDP socket. It sends and receives datagrams of up to 65,507 bytes (IPv6: 65,527). A datagram arrives
/// whole or not at all; it may arrive twice, or after later ones.
///
///     const udp::socket echo = co_await udp::bind(endpoint::loopback(7));
///     std::array<char, 1500> buffer;
///     for (;;) {
///       const auto got = co_await echo.receive_from(buffer);
///       co_await echo.send_to(std::span(buffer).first(got.size), got.from);
///     }
///
/// Lifetime  the destructor closes it without waiting, as descriptor's does; close() waits. A buffer stays
///           alive until its operation ends.
/// Threads   its operations run on the current loop. Several sends and receives may be in flight.
/// Errors    std::error_code of the system call, with call and endpoint in its message. When the peer's host
///           reports that no socket has the port, the next operation on a connected socket fails with
///           connection_refused; a socket that is not connected gets no such report.
/// Cancel    a datagram is sent whole or not at all; a cancelled receive takes no datagram.
/// Cost      one request for each datagram; no allocation.
class socket {
 public:
  socket() = default;
  /// Adopts a datagram socket that is bound or connected.
  [[nodiscard]] static socket from_descriptor(int number) noexcept { return socket(descriptor(number)); }
  /// The descriptor's number; -1 when the socket is closed.
  [[nodiscard]] int number() const noexcept { return descriptor_.number(); }
  [[nodiscard]] bool is_open() const noexcept { return descriptor_.is_open(); }
  /// Leaves the descriptor to the caller, which closes it.
  [[nodiscard]] int release() noexcept { return descriptor_.release(); }
  /// Its endpoint, with the port that the system chose. Throws std::system_error when it is closed.
  [[nodiscard]] endpoint local_endpoint() const;
  /// The peer's endpoint. Throws std::system_error when the socket is closed or not connected.
  [[nodiscard]] endpoint peer_endpoint() const;
  /// Sets the options that are not empty. Throws std::system_error for the first one that the system refuses;
  /// those before it are set.
  void set_options(const datagram_options& options) const;

  /// Joins a multicast group on an interface; the group's port means nothing. From then on the socket
  /// receives what is sent to the group and its own port, and nothing that is sent to groups it has not
  /// joined. Throws std::system_error, which names group and interface. A simulated world has no multicast:
  /// there it is operation_not_supported.
  ///
  ///     const udp::socket inbox = udp::bind_now(endpoint("0.0.0.0", 5353), {.reuse_address = true});
  ///     inbox.join(endpoint("224.0.0.251", 5353));
  ///     inbox.leave(endpoint("224.0.0.251", 5353));
  void join(const endpoint& group, network_interface on = {}) const;
  /// Leaves a group that was joined on that interface. Closing the socket leaves all groups.
  void leave(const endpoint& group, network_interface on = {}) const;

  /// Sends the bytes of `from` as one datagram to that endpoint.
  /// Errors  message_size when it is too long for one; no_buffer_space when the system has no room now;
  ///         address_family_not_supported when an IPv4 socket sends to an endpoint that is not IPv4.
  [[nodiscard]] auto send_to(readable_bytes from, const endpoint& to) const noexcept {
    return io_sender<detail::send_to_outcome>{sends(from), {braid::detail::message_of(from), to}};
  }
  /// Receives the next datagram, from any sender.
  [[nodiscard]] auto receive_from(writable_bytes to) const noexcept {
    return receives<detail::receive_from_name>(to);
  }
  /// Sends the bytes of `from` as one datagram to the peer.
  /// Errors  message_size, no_buffer_space; destination_address_required when the socket is not connected.
  [[nodiscard]] auto send(readable_bytes from) const noexcept {
    return io_sender<detail::send_outcome>{sends(from), {braid::detail::message_of(from)}};
  }
  /// Receives the peer's next datagram; from any sender when the socket is not connected.
  [[nodiscard]] auto receive(writable_bytes to) const noexcept { return receives<detail::receive_name>(to); }
  /// Cancels the operations in flight on the socket, waits until they have ended, then closes it.
  [[nodiscard]] auto close() noexcept { return descriptor_.close(); }

 private:
  explicit socket(descriptor open) noexcept : descriptor_(std::move(open)) {}

  [[nodiscard]] request sends(readable_bytes from) const noexcept {
    return {.code = opcode::send_message,
            .descriptor = number(),
            .length = transfer_length(from.size()),
            .flags = braid::detail::send_message_flags};
  }
  template <const char* Name>
  io_sender<detail::receive_outcome<Name, datagram>> receives(writable_bytes to) const noexcept {
    return {{.code = opcode::receive_message, .descriptor = number(), .length = transfer_length(to.size())},
            {braid::detail::message_of(to)}};
  }

  descriptor descriptor_;
};

/// Makes a socket at an endpoint, for datagrams to and from any peer. With port 0 the system chooses the
/// port. Throws std::system_error, which names an option that the system refuses.
///
///     const udp::socket socket = udp::bind_now(endpoint::loopback());
///     log(socket.local_endpoint().to_string());
[[nodiscard]] socket bind_now(const endpoint& at, const bind_options& how = {});
/// bind_now as a sender of socket, which completes at once. Its errors arrive as those of any operation.
///
///     const udp::socket socket = co_await udp::bind(endpoint("0.0.0.0", 5353));
[[nodiscard]] inline auto bind(const endpoint& at, const bind_options& how = {}) {
  return just_from([at, how] { return bind_now(at, how); });
}

/// Makes a socket for datagrams to and from one peer. Nothing is sent, so a missing peer shows only later.
/// Throws std::system_error.
///
///     const udp::socket clock = udp::connect_now(endpoint("192.0.2.1", 123));
[[nodiscard]] socket connect_now(const endpoint& to, const datagram_options& how = {});
/// connect_now as a sender of socket, which completes at once.
///
///     const udp::socket clock = co_await udp::connect(endpoint("192.0.2.1", 123));
///     co_await clock.send("what time is it?");
[[nodiscard]] inline auto connect(const endpoint& to, const datagram_options& how = {}) {
  return just_from([to, how] { return connect_now(to, how); });
}

}  // namespace braid::udp
