#pragma once

#include <memory>
#include <string>
#include <utility>

#include "braid/net/byte_stream.hpp"
#include "braid/net/connect.hpp"
#include "braid/style/task.hpp"
#include "braid/tls/context.hpp"
#include "braid/tls/detail/transport.hpp"
#include "braid/tls/stream.hpp"

namespace braid::tls {

/// How connect finds the host, and whom it expects there.
///
///     tls::connect_options how;
///     how.name = "example.org";  // the certificate of the host behind another address
struct connect_options {
  connect_options() {
  }  // no aggregate, since g++ 12 would destroy the default of an await twice (docs/compilers.md)
  tcp::connect_options tcp{};
  std::string name{};  ///< in place of the host's name, for SNI and in the certificate
};

namespace detail {
[[nodiscard]] task<stream> connect(std::unique_ptr<transport> over, std::string name, std::string shown,
                                   context with);
}  // namespace detail

/// Connects to a host by TCP and begins TLS. Verifies that the host's certificate is for its name or address,
/// unless the context says otherwise.
///
///     const tls::context trusting(tls::client_options{});
///     tls::stream server = co_await with_timeout(tls::connect("example.org", "https", trusting), 10s);
///
/// The next connection to the same host and service resumes the session, if the server still knows it.
///
/// Errors  those of tcp::connect and tls::errc: "tls::connect example.org:https: certificate has expired".
///         handshake_timed_out is of the context's limit for the handshake, which begins when TCP is
///         connected.
/// Cancel  closes the connection; nothing is left behind.
/// Cost    a handshake takes about a millisecond of the loop's thread; a resumed one less.
/// Source  RFC 8446, RFC 6066 (SNI), RFC 7301 (ALPN), RFC 9525 (host names).
[[nodiscard]] task<stream> connect(std::string host, std::string service, context with,
                                   connect_options how = {});

/// Begins TLS as the client over a connected stream, which then belongs to the tls::stream.
///
///     const tls::context trusting(tls::client_options{});
///     tcp::stream plain = co_await tcp::connect(endpoint::loopback(5432));
///     co_await plain.write_all("STARTTLS\n");
///     tls::stream secure = co_await tls::connect(std::move(plain), "db.example.org", trusting);
template <byte_stream S>
[[nodiscard]] task<stream> connect(S over, std::string host, context with) {
  auto under = std::make_unique<detail::transport_over<S>>(std::move(over));
  std::string shown = host;
  return detail::connect(std::move(under), std::move(host), std::move(shown), std::move(with));
}

}  // namespace braid::tls
