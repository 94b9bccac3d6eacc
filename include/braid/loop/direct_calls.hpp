#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <new>
#include <string>
#include <vector>

#include "braid/base/pinned.hpp"
#include "braid/loop/detail/file_traits.hpp"

namespace braid {

/// The system calls that need no waiting for, and so are made where they are written: by the kernel, or by a
/// reactor that stands for one. Each returns what the call does, or minus the errno.
///
/// Threads  those of the kernel: any. A simulation's: its own.
class direct_calls : pinned {
 public:
  /// Those of this thread's loop; the kernel's where there is none.
  [[nodiscard]] static direct_calls& current() noexcept;
  [[nodiscard]] static direct_calls& of_kernel() noexcept;

  /// Those that a thread of the blocking pool may use for a loop of these, whatever becomes of the loop.
  [[nodiscard]] virtual direct_calls& of_threads() noexcept { return of_kernel(); }

  virtual int socket(int family, int type, int protocol) noexcept;
  virtual int bind(int socket, const sockaddr* address, socklen_t length) noexcept;
  virtual int listen(int socket, int backlog) noexcept;
  /// Of a datagram socket: one that need not reach its peer for it.
  virtual int connect(int socket, const sockaddr* address, socklen_t length) noexcept;
  virtual int set_option(int socket, int level, int name, const void* value, socklen_t length) noexcept;
  virtual int local_name(int socket, sockaddr_storage& name) noexcept;
  virtual int peer_name(int socket, sockaddr_storage& name) noexcept;
  virtual int close(int descriptor) noexcept;
  /// What kind of file it is. Not known where the descriptor is not open.
  [[nodiscard]] virtual detail::file_traits traits_of(int descriptor) noexcept;
  /// Do two descriptors of one file share its position, as after dup(2)? Not where one of them is closed; yes
  /// where the kernel does not tell.
  [[nodiscard]] virtual bool share_position(int one, int other) noexcept;
  /// What the descriptor stands for: a path, "127.0.0.1:80", or "descriptor 7". For messages.
  [[nodiscard]] virtual std::string describe(int descriptor);
  /// getaddrinfo(3) for streams: adds to found; 0, an EAI_ code, or EAI_SYSTEM with errno set. Blocks.
  [[nodiscard]] virtual int look_up(const std::string& host, const std::string& service,
                                    std::vector<sockaddr_storage>& found);

 protected:
  ~direct_calls() = default;
};

/// What the descriptor stands for, as the system that it is of describes it; empty without memory.
[[nodiscard]] inline std::string describe(std::int32_t descriptor) noexcept try {
  return direct_calls::current().describe(descriptor);
} catch (const std::bad_alloc&) {
  return {};
}

}  // namespace braid
