#pragma once

#include <memory>

#include "braid/net/detail/byte_arrivals.hpp"
#include "braid/net/leased_bytes.hpp"

namespace braid::tcp {

class stream;

/// The bytes that arrive at a stream, as an async_range of leased_bytes. See stream::incoming_bytes().
///
///     task<> echo(tcp::stream peer) {
///       tcp::incoming_bytes arriving(peer);  // the same as peer.incoming_bytes()
///       while (const std::optional<leased_bytes> part = co_await arriving.next())
///         co_await peer.write_all(*part);
///     }
///
/// One request to the kernel receives all of them, into buffers that all streams of the loop share. So a
/// connection on which nothing arrives has no buffer.
///
/// Lifetime  the stream must outlive it and stay at its address; nothing else reads it meanwhile. It must
///           outlive the senders of next. Its destructor cancels the request without waiting; bytes that have
///           arrived and that no next has given are lost.
/// Threads   one loop's: that of its first next.
/// Errors    those of stream::read_some, each once, after the bytes that arrived before it. A second next at
///           a time fails with std::logic_error.
/// Cancel    a cancelled next loses no byte: the following one gives what has arrived.
/// Cost      a next that must wait begins the request, which stays in flight until four buffers are held
///           ahead of next; then the peer is slowed down. When the loop has no buffer left, a next waits
///           until one is given back. loop::run() does not return while the request is in flight, and does
///           not wait for a buffer.
/// Source    io_uring_prep_recv_multishot(3).
class incoming_bytes {
 public:
  explicit incoming_bytes(const stream& from);

  /// The bytes that have arrived next, at least one; empty at the end.
  [[nodiscard]] auto next() noexcept { return detail::byte_sender{arrivals_.get()}; }

 private:
  std::unique_ptr<detail::byte_arrivals, detail::leave_byte_arrivals> arrivals_;
};

}  // namespace braid::tcp
