#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <utility>

#include "braid/loop/bytes.hpp"
#include "braid/loop/descriptor.hpp"
#include "braid/loop/detail/transfer_bytes.hpp"
#include "braid/net/detail/stream_outcomes.hpp"
#include "braid/net/gathered_bytes.hpp"

namespace braid {

/// A connected socket that carries bytes: what tcp::stream and unix_domain::stream have in common.
///
///     const auto hangs_up = [](stream_socket& peer) -> task<> {
///       co_await peer.write_all("bye\n");
///       co_await peer.close();
///     };
///
/// Lifetime  the destructor closes it without waiting, as descriptor's does; close() waits. A buffer stays
///           alive until its operation ends.
/// Threads   its operations run on the current loop. One read and one write may be in flight at a time.
/// Errors    std::error_code of the system call, with call and peer in its message. After the peer has closed
///           in order read_some reads 0 bytes, and read_exactly fails with errc::end_of_stream. No SIGPIPE is
///           raised.
/// Cancel    read_exactly and write_all may have moved a part before they fail or are cancelled:
///           error::transferred() says how much.
class stream_socket {
 public:
  stream_socket() = default;
  /// The descriptor's number; -1 when the connection is closed.
  [[nodiscard]] int number() const noexcept { return descriptor_.number(); }
  [[nodiscard]] bool is_open() const noexcept { return descriptor_.is_open(); }
  /// Leaves the descriptor to the caller, which closes it.
  [[nodiscard]] int release() noexcept { return descriptor_.release(); }

  /// Reads at most to.size() bytes, as soon as there are any. Returns how many; 0 at the end.
  [[nodiscard]] auto read_some(writable_bytes to) const noexcept {
    return some<detail::stream_read_some_name, true>(opcode::receive, to.data(), to.size(), 0);
  }
  /// Reads exactly to.size() bytes.
  [[nodiscard]] auto read_exactly(writable_bytes to) const noexcept {
    return whole<detail::stream_read_exactly_name, true>(opcode::receive, to.data(), to.size(), MSG_WAITALL);
  }
  /// Writes at most from.size() bytes, as many as the socket takes now. Returns how many.
  [[nodiscard]] auto write_some(readable_bytes from) const noexcept {
    return some<detail::stream_write_some_name>(opcode::send, const_cast<void*>(from.data()), from.size(),
                                                MSG_NOSIGNAL);
  }
  /// Writes all bytes of `from`.
  [[nodiscard]] auto write_all(readable_bytes from) const noexcept {
    return whole<detail::stream_write_all_name>(opcode::send, const_cast<void*>(from.data()), from.size(),
                                                MSG_NOSIGNAL);
  }
  /// Writes several pieces of memory one after the other, with one system call for up to four of them.
  ///
  ///     co_await peer.write_all({"GET / HTTP/1.1\r\n", "Host: localhost\r\n\r\n"});
  ///
  /// Cost  no allocation.
  [[nodiscard]] auto write_all(gathered_bytes from) const noexcept {
    const request what{.code = opcode::send_parts, .descriptor = number(), .flags = MSG_NOSIGNAL};
    return io_sender<detail::gather_outcome>{what, detail::gather_outcome(from)};
  }
  /// Tells the peer that nothing more will be written. Reading goes on.
  [[nodiscard]] auto shutdown_send() const noexcept {
    request what{.code = opcode::shutdown, .descriptor = number(), .length = SHUT_WR};
    return io_sender<detail::shutdown_outcome>{what, {}};
  }
  /// Cancels the operations in flight on the socket, waits until they have ended, then closes it.
  [[nodiscard]] auto close() noexcept { return descriptor_.close(); }

  // For copy, which moves bytes between sockets and files through a pipe.
  using splices = stream_socket;
  [[nodiscard]] auto fill_pipe(int pipe, std::uint32_t most) const noexcept {
    return some<detail::stream_read_some_name>(
        opcode::fill_pipe, reinterpret_cast<void*>(std::intptr_t{pipe}), most, request::of_socket);
  }
  [[nodiscard]] auto drain_pipe(int pipe, std::uint32_t most) const noexcept {
    return some<detail::stream_write_all_name>(
        opcode::drain_pipe, reinterpret_cast<void*>(std::intptr_t{pipe}), most, request::of_socket);
  }

 protected:
  explicit stream_socket(descriptor open) noexcept : descriptor_(std::move(open)) {}

 private:
  template <const char* Name, bool Receives = false>
  using some_sender = io_sender<detail::some_outcome<Name, Receives>>;
  template <const char* Name, bool Receives = false>
  using whole_sender = io_sender<detail::whole_outcome<Name, void, Receives>>;

  template <const char* Name, bool Receives = false>
  some_sender<Name, Receives> some(opcode code, void* address, std::size_t size,
                                   unsigned flags) const noexcept {
    return {{.code = code,
             .descriptor = number(),
             .address = address,
             .length = transfer_length(size),
             .flags = flags},
            {}};
  }
  template <const char* Name, bool Receives = false>
  whole_sender<Name, Receives> whole(opcode code, void* address, std::size_t size,
                                     unsigned flags) const noexcept {
    return {{.code = code, .descriptor = number(), .address = address, .flags = flags}, {size}};
  }

  descriptor descriptor_;
};

}  // namespace braid
