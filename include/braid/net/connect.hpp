#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "braid/loop/clock.hpp"
#include "braid/net/endpoint.hpp"
#include "braid/net/stream.hpp"
#include "braid/net/stream_options.hpp"
#include "braid/style/task.hpp"

namespace braid::tcp {

/// How connect tries several endpoints.
///
///     const tcp::connect_options eager{.attempt_delay = 100ms};
struct connect_options {
  /// An attempt that has not ended after this time goes on, and the next one begins beside it.
  loop_clock::duration attempt_delay = std::chrono::milliseconds(250);
  stream_options stream{};  ///< of each attempt
  /// The first bytes that are written leave with the request for the connection, if the server has given
  /// this machine leave at an earlier one (TCP Fast Open). For protocols in which the client speaks first,
  /// and whose first request may arrive twice. Then the attempt succeeds before the server has answered: no
  /// other endpoint is tried, the first write fails if the server refuses, and before it a read waits and
  /// peer_endpoint throws. Where net.ipv4.tcp_fastopen forbids it, as in a simulated world, it has no effect.
  bool fast_open = false;
};

/// Connects to whichever endpoint of a host answers first: "Happy Eyeballs". The endpoints are tried in the
/// system's order, but IPv6 and IPv4 in turn, so that a host whose IPv6 does not work costs a quarter of a
/// second and not a minute. The first connection wins; the other attempts are stopped.
///
/// One look-up by the system (getaddrinfo) finds the addresses of both families and their order. So no delay
/// gives a late IPv6 answer precedence (section 3 of the RFC): the first attempt waits for both.
///
///     const tcp::stream server = co_await with_timeout(tcp::connect("example.org", "https"), 10s);
///
/// Errors  those of resolve. If no attempt succeeds, the error of the first that failed; the others' are in
///         its suppressed().
/// Cancel  ends the look-up or all attempts; nothing is left behind.
/// Source  RFC 8305.
[[nodiscard]] task<stream> connect(std::string host, std::string service, connect_options how = {});

/// The same for endpoints that are known, in the order in which they are to be tried.
///
///     std::vector<endpoint> replicas = {endpoint("192.0.2.1", 80), endpoint("192.0.2.2", 80)};
///     const tcp::stream server = co_await tcp::connect_to_any(std::move(replicas));
///
/// Errors  std::invalid_argument without an endpoint; else as connect.
[[nodiscard]] task<stream> connect_to_any(std::vector<endpoint> candidates, connect_options how = {});

}  // namespace braid::tcp
