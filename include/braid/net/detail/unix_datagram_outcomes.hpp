#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstdint>

#include "braid/base/result.hpp"
#include "braid/loop/bytes.hpp"
#include "braid/loop/io_outcome.hpp"
#include "braid/loop/request.hpp"
#include "braid/net/detail/message.hpp"
#include "braid/net/unix_address.hpp"

namespace braid::unix_domain::detail {

struct send_datagram_outcome {
  using value_type = void;
  static constexpr const char* name() noexcept { return "datagram::send"; }
  static constexpr io_hooks hooks{.prepare = true};
  [[nodiscard]] int prepare(request& what) noexcept { return whole.prepare(what); }
  result<void> operator()(std::int32_t, const request&) const noexcept { return {}; }
  braid::detail::message whole;
};

// sendmsg(2) without waiting. Throws std::system_error.
void send_now(int socket, readable_bytes from, const address& to);

template <class Message>
struct receive_datagram_outcome {
  using value_type = Message;
  static constexpr const char* name() noexcept { return "datagram::receive_from"; }
  static constexpr io_hooks hooks{.prepare = true};
  [[nodiscard]] int prepare(request& what) noexcept { return whole.prepare(what, &from, sizeof from); }
  result<Message> operator()(std::int32_t ended, const request&) const {
    return Message{static_cast<std::size_t>(ended), address(from, whole.header.msg_namelen),
                   (whole.header.msg_flags & MSG_TRUNC) != 0};
  }
  braid::detail::message whole;
  sockaddr_un from{};
};

}  // namespace braid::unix_domain::detail
