#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <new>
#include <string>
#include <vector>

#include "braid/base/pinned.hpp"
#include "braid/loop/file_traits.hpp"

namespace braid {

/// System calls that are made directly, without a request, because they do not wait; only look_up does. The
/// kernel carries them out, or a simulation in its place. Most return the call's result, or minus the errno.
///
///     direct_calls& calls = direct_calls::current();  // of the simulated host, in a simulation
///     const int made = calls.socket(AF_INET, SOCK_DGRAM, 0);
///     if (made >= 0) calls.close(made);
///
/// Threads  the kernel's: any. A simulation's: its own.
class direct_calls : pinned {
 public:
  /// The calls of this thread's loop, or the kernel's on a thread without a loop.
  [[nodiscard]] static direct_calls& current() noexcept;
  /// The kernel's, whatever loop this thread has.
  [[nodiscard]] static direct_calls& of_kernel() noexcept;

  /// The calls that a thread of the blocking pool may make for such a loop, even after the loop has ended.
  [[nodiscard]] virtual direct_calls& of_threads() noexcept { return of_kernel(); }

  virtual int socket(int family, int type, int protocol) noexcept;
  virtual int bind(int socket, const sockaddr* address, socklen_t length) noexcept;
  virtual int listen(int socket, int backlog) noexcept;
  /// For datagram sockets, which connect without reaching the peer.
  virtual int connect(int socket, const sockaddr* address, socklen_t length) noexcept;
  virtual int set_option(int socket, int level, int name, const void* value, socklen_t length) noexcept;
  /// `length` becomes the length of the option's value.
  virtual int get_option(int socket, int level, int name, void* value, socklen_t& length) noexcept;
  /// For messages that must not wait: pass MSG_DONTWAIT.
  virtual int send_message(int socket, const msghdr& message, int flags) noexcept;
  virtual int local_name(int socket, sockaddr_storage& name) noexcept;
  virtual int peer_name(int socket, sockaddr_storage& name) noexcept;
  /// pipe2(2) with O_CLOEXEC: the end to read from, then the one to write to.
  virtual int pipe(int (&ends)[2]) noexcept;
  /// A pipe for requests with fill_pipe and drain_pipe, of at most that size. Returns its size. A simulation
  /// has no such requests: ENOSYS.
  virtual int splice_pipe(int (&ends)[2], int most) noexcept;
  virtual int close(int descriptor) noexcept;
  /// The file's traits; file_traits::known is false where the descriptor is not open.
  [[nodiscard]] virtual file_traits traits_of(int descriptor) noexcept;
  /// Do two descriptors of one file share its position, as after dup(2)? False where one of them is closed,
  /// true where the kernel does not say.
  [[nodiscard]] virtual bool share_position(int one, int other) noexcept;
  /// The descriptor's name in messages: a path, "127.0.0.1:80", or "descriptor 7".
  [[nodiscard]] virtual std::string describe(int descriptor);
  /// getaddrinfo(3) for streams: adds the addresses to found. Returns 0, an EAI_ code, or EAI_SYSTEM with
  /// errno set. Blocks.
  [[nodiscard]] virtual int look_up(const std::string& host, const std::string& service,
                                    std::vector<sockaddr_storage>& found);

 protected:
  ~direct_calls() = default;
};

/// The descriptor's name in messages, from the current loop's system; empty without memory.
///
///     log("waiting for " + describe(0));  // "waiting for /dev/pts/1"
[[nodiscard]] inline std::string describe(std::int32_t descriptor) noexcept try {
  return direct_calls::current().describe(descriptor);
} catch (const std::bad_alloc&) {
  return {};
}

}  // namespace braid
