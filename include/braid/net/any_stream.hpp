#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include "braid/loop/bytes.hpp"
#include "braid/net/byte_stream.hpp"
#include "braid/net/detail/stream_model.hpp"
#include "braid/net/gathered_bytes.hpp"
#include "braid/style/task.hpp"

namespace braid {

/// A byte_stream of any type: for code that must not be a template, such as a virtual function or a source
/// file that serves TCP, TLS and tests alike.
///
///     task<> greet(any_stream peer) { co_await peer.write_all("hello\n"); }  // in a .cpp
///     co_await greet(co_await tcp::connect(endpoint::loopback(8080)));       // converts
///
/// Lifetime  owns the stream, and must outlive its operations; it may be moved while they run.
/// Threads   those of the stream.
/// Errors    those of the stream. An any_stream without a stream fails with bad_file_descriptor.
/// Cancel    as the stream's operation.
/// Cost      one allocation for the stream, of its size and a pointer. An operation takes a coroutine frame
///           from the frame pool, which costs no allocation once the pool is warm, and a virtual call.
class any_stream {
 public:
  any_stream() = default;
  template <class S>
    requires(!std::same_as<std::remove_cvref_t<S>, any_stream> && !std::is_lvalue_reference_v<S> &&
             byte_stream<S> && std::move_constructible<S>)
  any_stream(S&& stream) : stream_(std::make_unique<detail::stream_model<S>>(std::move(stream))) {}

  /// Reads at most to.size() bytes, as soon as there are any. Returns how many; 0 at the end.
  [[nodiscard]] task<std::size_t> read_some(writable_bytes to) { return stream().read_some(to); }
  /// Writes all bytes of `from`.
  [[nodiscard]] task<> write_all(readable_bytes from) { return stream().write_all(from); }
  /// Writes several pieces of memory: together where the stream can, else one after the other.
  [[nodiscard]] task<> write_all(gathered_bytes from) { return stream().write_pieces(from); }
  /// Tells the peer that nothing more will be written.
  /// Errors  operation_not_supported where the stream has no shutdown_send.
  [[nodiscard]] task<> shutdown_send() { return stream().shutdown_send(); }
  /// Closes the stream and waits for that.
  /// Errors  operation_not_supported where the stream has no close; its destructor closes it then.
  [[nodiscard]] task<> close() { return stream().close(); }
  /// Ends the stream without saying that it is whole, so that the peer cannot take what it has for all of it:
  /// TCP resets the connection, TLS sends no close_notify. A stream without an abort is closed.
  /// Errors  operation_not_supported where the stream has no close either; its destructor closes it then.
  [[nodiscard]] task<> abort() { return stream().abort(); }

 private:
  [[nodiscard]] detail::erased_stream& stream() const noexcept {
    return stream_ != nullptr ? *stream_ : detail::erased_stream::none();
  }
  std::unique_ptr<detail::erased_stream> stream_;
};

}  // namespace braid
