#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include "braid/loop/bytes.hpp"
#include "braid/loop/request.hpp"

namespace braid::detail {

// Flags for sendmsg(2). With MSG_DONTWAIT it is braid's reactor that waits for room and then sends the
// message anew. Otherwise io_uring itself tries again, and goes on where the failed attempt stopped reading:
// to a Unix-domain socket whose queue was full it sends an empty datagram (seen on Linux 6.18).
inline constexpr unsigned send_message_flags = MSG_NOSIGNAL | MSG_DONTWAIT;

// The msghdr of one buffer for sendmsg(2) and recvmsg(2). prepare runs at its final address.
struct message {
  [[nodiscard]] int prepare(request& what, const void* name = nullptr, socklen_t name_size = 0) noexcept {
    header = {};
    header.msg_name = const_cast<void*>(name);
    header.msg_namelen = name_size;
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    what.address = &header;
    return 0;
  }
  iovec part;
  msghdr header{};
};
[[nodiscard]] inline message message_of(readable_bytes from) noexcept {
  return {{const_cast<void*>(from.data()), from.size()}};
}
[[nodiscard]] inline message message_of(writable_bytes to) noexcept { return {{to.data(), to.size()}}; }

}  // namespace braid::detail
