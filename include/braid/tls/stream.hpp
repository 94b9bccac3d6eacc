#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "braid/loop/bytes.hpp"
#include "braid/style/task.hpp"

namespace braid::tls {

namespace detail {
class session;
}  // namespace detail

/// A connection that speaks TLS, over TCP or over any other byte_stream.
///
///     const tls::context trusting(tls::client_options{});
///     tls::stream server = co_await tls::connect("example.org", "https", trusting);
///     co_await server.write_all("GET / HTTP/1.0\r\n\r\n");
///     buffered_reader lines(server);
///     while (const std::optional<std::string> line = co_await lines.read_line(8192)) log(*line);
///     co_await server.close();
///
/// Lifetime  outlives its operations, but may be moved while they run. The destructor drops what was not
///           sent and the stream below, without a close_notify; close() waits. A buffer stays alive until
///           its operation ends.
/// Threads   one loop's. One read and one write may be in flight at a time; more are a std::logic_error.
/// Errors    those of tls::errc, with the peer's name, and those of the stream below. tls::errc::truncated is
///           an end without a close_notify: an attacker, or a crash, may have cut off the rest. An orderly
///           end is a read of 0 bytes. After a fatal error all operations fail with it.
/// Cancel    a cancelled read loses no byte. error::transferred() of a cancelled write says how many bytes
///           were encrypted: these go out with the next write, shutdown_send or close, each once and in
///           order.
/// Cost      a record holds at most 16 KiB. Buffers of that size exist while records are on their way; an
///           idle connection has one of 4 KiB to read into, beside the memory of OpenSSL.
class stream {
 public:
  stream() noexcept;
  stream(stream&&) noexcept;
  stream& operator=(stream&&) noexcept;
  ~stream();
  [[nodiscard]] bool is_open() const noexcept;

  /// Reads at most to.size() bytes, as soon as there are any. Returns how many; 0 at the end.
  [[nodiscard]] task<std::size_t> read_some(writable_bytes to);
  /// Reads exactly to.size() bytes.
  [[nodiscard]] task<> read_exactly(writable_bytes to);
  /// Writes at most from.size() bytes: those that fit a record. Returns how many.
  [[nodiscard]] task<std::size_t> write_some(readable_bytes from);
  /// Writes all bytes of `from`.
  [[nodiscard]] task<> write_all(readable_bytes from);
  /// Says by a close_notify that nothing more will be written. Reading goes on.
  [[nodiscard]] task<> shutdown_send();
  /// Sends what an earlier write left, and a close_notify; drops what arrives until the peer's; closes the
  /// stream below. All but the last step takes at most close_within of the context.
  /// Errors  std::errc::timed_out if the peer takes no bytes for so long. A peer that sends no close_notify
  ///         is
  ///         no error.
  /// Cancel  closes at once.
  [[nodiscard]] task<> close();
  /// Ends the connection at once, without a close_notify, so that the peer knows that it is cut short. Over
  /// TCP it is reset.
  [[nodiscard]] task<> abort();

  /// The application protocol that both sides agreed on by ALPN; empty if there is none.
  [[nodiscard]] std::string protocol() const;
  /// The version, such as "TLSv1.3".
  [[nodiscard]] std::string version() const;
  /// Did it resume the session of an earlier connection?
  [[nodiscard]] bool is_resumed() const noexcept;
  /// The host's name: of a client the one that it verified, of a server the one that the client asked for.
  [[nodiscard]] std::string host_name() const;
  /// Whom the peer's certificate is for, such as "CN=ann,O=Example"; empty without a certificate.
  [[nodiscard]] std::string peer_subject() const;

  // For the machinery.
  explicit stream(std::unique_ptr<detail::session> open) noexcept;

 private:
  std::unique_ptr<detail::session> session_;
};

}  // namespace braid::tls
