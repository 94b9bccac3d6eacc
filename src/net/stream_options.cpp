#include "braid/net/stream_options.hpp"

#include <netinet/tcp.h>

#include "stream_options.hpp"

namespace braid::detail {

namespace {

void set_keep_alive(option_setter& options, const tcp::keep_alive_options& how) noexcept {
  const bool asks = how.idle != std::chrono::seconds(0);
  options.set("keep_alive", SOL_SOCKET, SO_KEEPALIVE, asks ? 1 : 0);
  if (!asks) return;
  options.set("keep_alive.idle", IPPROTO_TCP, TCP_KEEPIDLE, how.idle.count())
      .set("keep_alive.interval", IPPROTO_TCP, TCP_KEEPINTVL, how.interval.count())
      .set("keep_alive.count", IPPROTO_TCP, TCP_KEEPCNT, how.count);
}

void set_linger(option_setter& options, std::chrono::seconds how_long) noexcept {
  const linger at_once{1, 0};
  if (how_long != std::chrono::seconds(0))
    options.refuse("linger other than 0s", EOPNOTSUPP);
  else
    options.set_bytes("linger", SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace

void set_stream_options(option_setter& options, const tcp::stream_options& how) noexcept {
  if (how.no_delay) options.set("no_delay", IPPROTO_TCP, TCP_NODELAY, *how.no_delay ? 1 : 0);
  if (how.keep_alive) set_keep_alive(options, *how.keep_alive);
  if (how.user_timeout) options.set("user_timeout", IPPROTO_TCP, TCP_USER_TIMEOUT, how.user_timeout->count());
  if (how.linger) set_linger(options, *how.linger);
  if (how.send_buffer) options.set("send_buffer", SOL_SOCKET, SO_SNDBUF, *how.send_buffer);
  if (how.receive_buffer) options.set("receive_buffer", SOL_SOCKET, SO_RCVBUF, *how.receive_buffer);
}

}  // namespace braid::detail
