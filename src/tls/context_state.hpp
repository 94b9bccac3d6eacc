#pragma once

#include <string>

#include "braid/base/pinned.hpp"
#include "braid/loop/clock.hpp"
#include "braid/tls/context.hpp"
#include "openssl.hpp"
#include "session_cache.hpp"

namespace braid::tls::detail {

// What a context is made of. Constant once it is made, but for the sessions.
struct context_state : braid::pinned {
  context_state(bool serves, std::size_t sessions, loop_clock::duration handshake,
                loop_clock::duration close);

  const bool is_server;
  const loop_clock::duration handshake_within, close_within;
  verification verify = verification::host;
  std::string protocols;  // each after its length, as in the message
  session_cache cache;
  ssl_ctx_ptr ssl;
};

}  // namespace braid::tls::detail
