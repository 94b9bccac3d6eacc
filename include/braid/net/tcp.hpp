#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <utility>

#include "braid/core/just.hpp"
#include "braid/loop/bytes.hpp"
#include "braid/loop/descriptor.hpp"
#include "braid/loop/transfer_bytes.hpp"
#include "braid/net/endpoint.hpp"

namespace braid::tcp {

namespace detail {
inline constexpr char read_some_name[] = "stream::read_some", read_exactly_name[] = "stream::read_exactly",
                      write_some_name[] = "stream::write_some", write_all_name[] = "stream::write_all";
struct shutdown_outcome {
  using value_type = void;
  static constexpr const char* name() noexcept { return "stream::shutdown_send"; }
  result<void> operator()(std::int32_t, const request&) const noexcept { return {}; }
};
}  // namespace detail

/// A TCP connection. TCP_NODELAY is set: what is written leaves at once.
///
/// Lifetime  closed by its destructor, without waiting; close() waits. A buffer stays alive until its operation ends.
/// Threads   its operations run on the current loop. One read and one write may be in flight at a time.
/// Errors    std::error_code of the system call, its message naming call and peer. The peer's orderly end is a read
///           of 0 bytes; read_exactly that meets it fails with errc::end_of_stream. No SIGPIPE is ever raised.
class stream {
 public:
  stream() = default;
  /// Adopts a connected socket.
  [[nodiscard]] static stream from_descriptor(int number) noexcept { return stream(descriptor(number)); }
  [[nodiscard]] int number() const noexcept { return descriptor_.number(); }
  [[nodiscard]] bool is_open() const noexcept { return descriptor_.is_open(); }
  [[nodiscard]] int release() noexcept { return descriptor_.release(); }
  /// The two ends. Both throw std::system_error when there is no connection (any more).
  [[nodiscard]] endpoint local_endpoint() const;
  [[nodiscard]] endpoint peer_endpoint() const;

  /// At most to.size() bytes as soon as there are any: how many, 0 at the end.
  [[nodiscard]] auto read_some(writable_bytes to) const noexcept {
    return some<detail::read_some_name>(opcode::receive, to.data(), to.size(), 0);
  }
  /// Exactly to.size() bytes.
  [[nodiscard]] auto read_exactly(writable_bytes to) const noexcept {
    return whole<detail::read_exactly_name>(opcode::receive, to.data(), to.size(), MSG_WAITALL);
  }
  /// At most from.size() bytes, as many as the socket takes now: how many.
  [[nodiscard]] auto write_some(readable_bytes from) const noexcept {
    return some<detail::write_some_name>(opcode::send, const_cast<void*>(from.data()), from.size(), MSG_NOSIGNAL);
  }
  /// All of from.
  [[nodiscard]] auto write_all(readable_bytes from) const noexcept {
    return whole<detail::write_all_name>(opcode::send, const_cast<void*>(from.data()), from.size(), MSG_NOSIGNAL);
  }
  /// Tells the peer that no more will be written; reading goes on.
  [[nodiscard]] auto shutdown_send() const noexcept {
    request what{.code = opcode::shutdown, .descriptor = number(), .length = SHUT_WR};
    return io_sender<detail::shutdown_outcome>{what, {}};
  }
  /// See descriptor::close.
  [[nodiscard]] auto close() noexcept { return descriptor_.close(); }

 private:
  explicit stream(descriptor open) noexcept : descriptor_(std::move(open)) {}

  template <const char* Name>
  io_sender<braid::detail::some_outcome<Name>> some(opcode code, void* address, std::size_t size, unsigned flags) const noexcept {
    request what{
        .code = code, .descriptor = number(), .address = address, .length = at_once(size), .flags = flags};
    return {what, {}};
  }
  template <const char* Name>
  io_sender<braid::detail::whole_outcome<Name, void>> whole(opcode code, void* address, std::size_t size, unsigned flags) const noexcept {
    request what{.code = code, .descriptor = number(), .address = address, .flags = flags};
    return {what, {size}};
  }

  descriptor descriptor_;
};

namespace detail {

struct accept_outcome {
  using value_type = stream;
  static constexpr const char* name() noexcept { return "listener::accept"; }
  result<stream> operator()(std::int32_t ended, const request&) const noexcept;
};

struct connect_outcome {
  using value_type = stream;
  static constexpr const char* name() noexcept { return "tcp::connect"; }
  [[nodiscard]] int place(request& what) noexcept;
  result<stream> operator()(std::int32_t, const request&) noexcept {
    return stream::from_descriptor(socket.release());
  }
  [[nodiscard]] std::string object() const { return to.to_string(); }
  endpoint to;
  descriptor socket{};
};

}  // namespace detail

/// A socket that takes connections.
///
/// Lifetime  as stream's.
/// Threads   its operations run on the current loop; on one loop at a time.
class listener {
 public:
  listener() = default;
  /// Adopts a listening socket.
  [[nodiscard]] static listener from_descriptor(int number) noexcept { return listener(descriptor(number)); }
  [[nodiscard]] int number() const noexcept { return descriptor_.number(); }
  [[nodiscard]] bool is_open() const noexcept { return descriptor_.is_open(); }
  /// Where it listens: with the port that the system chose. Throws std::system_error when it is closed.
  [[nodiscard]] endpoint local_endpoint() const;

  /// The next connection. Several accepts may be in flight.
  [[nodiscard]] auto accept() const noexcept {
    request what{.code = opcode::accept, .descriptor = number(), .flags = SOCK_CLOEXEC};
    return io_sender<detail::accept_outcome>{what, {}};
  }
  /// See descriptor::close.
  [[nodiscard]] auto close() noexcept { return descriptor_.close(); }

 private:
  explicit listener(descriptor open) noexcept : descriptor_(std::move(open)) {}
  descriptor descriptor_;
};

/// Listens at an endpoint, SO_REUSEADDR set; port 0 lets the system choose. Throws std::system_error.
[[nodiscard]] listener listen_now(const endpoint& at, int backlog);

/// The same as a sender of listener, which completes at once: in every style, with that style's errors.
[[nodiscard]] inline auto listen(const endpoint& at, int backlog = SOMAXCONN) {
  return just_from([at, backlog] { return listen_now(at, backlog); });
}

/// A connection to an endpoint: a sender of stream.
///
/// Errors  connection_refused and the others of connect(2), the message naming the endpoint.
/// Cancel  closes the socket; nothing is left behind.
[[nodiscard]] inline auto connect(const endpoint& to) {
  return io_sender<detail::connect_outcome>{{.code = opcode::connect}, {to}};
}

}  // namespace braid::tcp
