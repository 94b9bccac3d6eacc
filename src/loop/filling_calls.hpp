#pragma once

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

#include "braid/base/detail/poison.hpp"

// The system calls that fill a request's buffer, which is poisoned meanwhile. Under AddressSanitizer they
// bypass its wrappers, which would report the kernel's writes as the program's.
namespace braid::detail::filling {

inline ssize_t read(int from, void* to, std::size_t length) noexcept {
  if (poisons()) [[unlikely]]
    return ::syscall(SYS_read, from, to, length);
  return ::read(from, to, length);
}
inline ssize_t pread(int from, void* to, std::size_t length, off_t offset) noexcept {
  if (poisons()) [[unlikely]]
    return ::syscall(SYS_pread64, from, to, length, offset);
  return ::pread(from, to, length, offset);
}
inline ssize_t preadv2(int from, const iovec& to, off_t offset, int flags) noexcept {
  if (poisons()) [[unlikely]]
    return ::syscall(SYS_preadv2, from, &to, 1, offset, offset >> 63, flags);
  return ::preadv2(from, &to, 1, offset, flags);
}
inline ssize_t recv(int from, void* to, std::size_t length, int flags) noexcept {
  if (poisons()) [[unlikely]]
    return ::syscall(SYS_recvfrom, from, to, length, flags, nullptr, nullptr);
  return ::recv(from, to, length, flags);
}
inline ssize_t recvmsg(int from, msghdr& to, int flags) noexcept {
  if (poisons()) [[unlikely]]
    return ::syscall(SYS_recvmsg, from, &to, flags);
  return ::recvmsg(from, &to, flags);
}
inline std::int64_t read_directory(int from, void* to, std::size_t length) noexcept {
  return ::syscall(SYS_getdents64, from, to, length);
}

}  // namespace braid::detail::filling
