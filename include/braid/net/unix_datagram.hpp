#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <utility>

#include "braid/core/just.hpp"
#include "braid/loop/bytes.hpp"
#include "braid/loop/descriptor.hpp"
#include "braid/loop/io_sender.hpp"
#include "braid/net/detail/socket_file.hpp"
#include "braid/net/detail/unix_datagram_outcomes.hpp"
#include "braid/net/unix_address.hpp"

namespace braid::unix_domain {

/// A received datagram: its size and sender. Its bytes are in the caller's buffer.
///
///     std::array<char, 1500> buffer;
///     const unix_domain::message got = co_await local_inbox.receive_from(buffer);
///     if (!got.truncated) log({buffer.data(), got.size});
struct message {
  std::size_t size = 0;  ///< bytes in the buffer; 0 for an empty datagram
  address from{};  ///< unnamed when the sender has no address
  bool truncated = false;  ///< it was longer than the buffer, and the rest is lost
};

/// A Unix-domain socket for datagrams, within this machine. They arrive whole, in order and once: where the
/// receiver is slow the sender waits. The file of its address is removed when it is closed, as a listener's.
///
///     unix_domain::datagram inbox = unix_domain::datagram::bind_now("/run/app.log");
///     const auto peer = unix_domain::datagram::connect_now("/run/app.log");
///     co_await peer.send("hello");
///     std::array<char, 1500> buffer;
///     const unix_domain::message got = co_await inbox.receive_from(buffer);
///
/// Lifetime  the destructor closes it without waiting, as descriptor's does; close() waits. A buffer stays
///           alive until its operation ends.
/// Threads   its operations run on the current loop. Several sends and receives may be in flight.
/// Errors    std::error_code of the system call, with call and address in its message.
/// Cancel    a datagram is sent whole or not at all; a cancelled receive takes no datagram.
/// Cost      one request for each datagram; no allocation.
class datagram {
 public:
  datagram() = default;
  /// Adopts a datagram socket. Its file stays.
  [[nodiscard]] static datagram from_descriptor(int number) noexcept { return {descriptor(number), {}}; }
  /// Makes a socket at an address. replace_stale is that of listen_options. Throws std::system_error.
  [[nodiscard]] static datagram bind_now(const address& at, bool replace_stale = false);
  /// Makes a socket for datagrams to one peer. At `own` it can be answered; an empty `own` gets an abstract
  /// name that the system chooses. Throws std::system_error, connection_refused where no socket uses the
  /// address.
  [[nodiscard]] static datagram connect_now(const address& to, const address& own = {});
  /// bind_now and connect_now as senders of datagram, which complete at once.
  [[nodiscard]] static auto bind(const address& at, bool replace_stale = false) {
    return just_from([at, replace_stale] { return bind_now(at, replace_stale); });
  }
  [[nodiscard]] static auto connect(const address& to, const address& own = {}) {
    return just_from([to, own] { return connect_now(to, own); });
  }

  /// The descriptor's number; -1 when the socket is closed.
  [[nodiscard]] int number() const noexcept { return descriptor_.number(); }
  [[nodiscard]] bool is_open() const noexcept { return descriptor_.is_open(); }
  /// Its own address. Throws std::system_error when it is closed.
  [[nodiscard]] address local_address() const;

  /// Sends the bytes of `from` as one datagram to the peer. While the peer has no room, it waits.
  /// Errors  message_size; not_connected; connection_refused when the peer is closed.
  [[nodiscard]] auto send(readable_bytes from) const noexcept {
    const request what{.code = opcode::send_message,
                       .descriptor = number(),
                       .length = transfer_length(from.size()),
                       .flags = braid::detail::send_message_flags};
    return io_sender<detail::send_datagram_outcome>{what, {braid::detail::message_of(from)}};
  }
  /// Sends the bytes of `from` as one datagram to any socket, and never waits, since the system does not tell
  /// when a socket that is no peer has room.
  /// Errors  resource_unavailable_try_again when the receiver has no room; message_size; those of connect.
  [[nodiscard]] auto send_to(readable_bytes from, const address& to) const {
    return just_from([socket = number(), from, to] { detail::send_now(socket, from, to); });
  }
  /// Receives the next datagram: the peer's, if there is a peer, and else from any sender.
  [[nodiscard]] auto receive_from(writable_bytes to) const noexcept {
    const request what{
        .code = opcode::receive_message, .descriptor = number(), .length = transfer_length(to.size())};
    return io_sender<detail::receive_datagram_outcome<message>>{what, {braid::detail::message_of(to)}};
  }
  /// Removes its file, cancels the operations in flight on the socket, waits until they have ended, then
  /// closes it.
  [[nodiscard]] auto close() noexcept {
    file_.remove();
    return descriptor_.close();
  }

 private:
  datagram(descriptor open, detail::socket_file file) noexcept
      : descriptor_(std::move(open)), file_(std::move(file)) {}

  descriptor descriptor_;
  detail::socket_file file_;
};

}  // namespace braid::unix_domain
