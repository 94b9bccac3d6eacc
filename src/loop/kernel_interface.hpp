#pragma once

#include <liburing.h>

#include <cstddef>
#include <cstdint>
#include <iterator>

#include "braid/loop/request.hpp"

// The kernel's numbers for requests, and the constants that the liburing of Debian 12 (2.3) lacks. The kernel
// never changes them; a probe finds out whether this kernel knows them.
namespace braid::detail::kernel {

inline constexpr unsigned op_ftruncate = 55;  // Linux 6.9
inline constexpr unsigned no_such_operation = 255;  // not in io_uring: the blocking pool carries it out
inline constexpr unsigned setup_no_sqarray = 1U << 16;  // Linux 6.6

/// Receives into the buffers of group 0, as long as there are any; on kernels before 6.0 only once. It waits
/// for bytes before it looks for a buffer, so that a socket without bytes needs none.
inline constexpr unsigned receives_often = IORING_RECV_MULTISHOT << 16;
inline constexpr unsigned receive_many_bits =
    IORING_OP_RECV | IOSQE_BUFFER_SELECT << 8 | IORING_RECVSEND_POLL_FIRST << 16 | receives_often;

/// The IORING_OP_ of each opcode, and from bit 16 the constant bits of its ioprio: as in the head of a
/// submission_lane::entry.
inline constexpr unsigned opcode_bits[] = {
    IORING_OP_NOP,          IORING_OP_READ,
    IORING_OP_WRITE,        IORING_OP_FSYNC,
    op_ftruncate,           IORING_OP_OPENAT,
    IORING_OP_STATX,        IORING_OP_CLOSE,
    IORING_OP_ACCEPT,       IORING_OP_CONNECT,
    IORING_OP_SEND,         IORING_OP_RECV,
    IORING_OP_SHUTDOWN,     IORING_OP_SOCKET,
    IORING_OP_POLL_ADD,     IORING_OP_RENAMEAT,
    IORING_OP_UNLINKAT,     IORING_OP_MKDIRAT,
    IORING_OP_ASYNC_CANCEL, IORING_OP_ACCEPT | IORING_ACCEPT_MULTISHOT << 16,
    IORING_OP_SENDMSG,      IORING_OP_RECVMSG,
    receive_many_bits,      IORING_OP_SENDMSG,
    no_such_operation,      no_such_operation,
    no_such_operation,      no_such_operation,  // its splice would use a thread for each request
    no_such_operation,
};
static_assert(std::size(opcode_bits) == static_cast<std::size_t>(opcode::count_));

[[nodiscard]] constexpr unsigned number_of(opcode code) noexcept {
  return opcode_bits[static_cast<std::size_t>(code)] & 0xff;
}
[[nodiscard]] constexpr unsigned opcode_bits_of(opcode code) noexcept {
  return opcode_bits[static_cast<std::size_t>(code)];
}

}  // namespace braid::detail::kernel
