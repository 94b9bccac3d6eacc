#pragma once

#include <memory>
#include <utility>

#include "braid/net/byte_stream.hpp"
#include "braid/style/task.hpp"
#include "braid/tls/context.hpp"
#include "braid/tls/detail/transport.hpp"
#include "braid/tls/stream.hpp"

namespace braid::tls {

namespace detail {
[[nodiscard]] task<stream> accept(std::unique_ptr<transport> over, context with);
}  // namespace detail

/// Begins TLS as the server over a connected stream, which then belongs to the tls::stream.
///
///     task<> echo(tcp::stream client, tls::context serving) {
///       tls::stream peer = co_await tls::accept(std::move(client), serving);
///       std::array<char, 4096> part;
///       while (const std::size_t got = co_await peer.read_some(part))
///         co_await peer.write_all(std::span(part).first(got));
///       co_await peer.close();
///     }
///
/// Errors  tls::errc, with the peer's endpoint. The client gets the reason as an alert, where TLS has one.
/// Cancel  closes the connection; nothing is left behind.
/// Cost    a handshake takes about a millisecond of the loop's thread; a resumed one less.
template <byte_stream S>
[[nodiscard]] task<stream> accept(S over, context with) {
  return detail::accept(std::make_unique<detail::transport_over<S>>(std::move(over)), std::move(with));
}

}  // namespace braid::tls
