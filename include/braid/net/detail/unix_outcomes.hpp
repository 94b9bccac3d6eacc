#pragma once

#include <cstdint>
#include <string>

#include "braid/loop/descriptor.hpp"
#include "braid/loop/io_outcome.hpp"
#include "braid/loop/request.hpp"
#include "braid/net/detail/socket_file.hpp"
#include "braid/net/unix_address.hpp"
#include "braid/net/unix_stream.hpp"

namespace braid::unix_domain::detail {

// Makes the stream of an accepted socket.
struct accepted {
  using value_type = stream;
  stream operator()(int socket) const noexcept { return stream::from_descriptor(socket); }
};

struct connect_outcome {
  using value_type = stream;
  static constexpr const char* name() noexcept { return "unix_domain::connect"; }
  static constexpr io_hooks hooks{.prepare = true, .object = true};
  [[nodiscard]] int prepare(request& what) noexcept;
  result<stream> operator()(std::int32_t, const request&) noexcept {
    return stream::from_descriptor(socket.release());
  }
  [[nodiscard]] std::string object() const { return to.to_string(); }
  address to;
  descriptor socket{};
};

// Binds a socket of that type (SOCK_STREAM, SOCK_DGRAM). Returns its file, or none where the address is no
// path. Throws std::system_error, which names the call.
[[nodiscard]] socket_file bind_to(int socket, int type, const address& at, bool replace_stale,
                                  const char* call);

// Throws std::system_error, which names the call.
[[nodiscard]] address local_address(int socket, const char* call);

}  // namespace braid::unix_domain::detail
