#include "braid/loop/direct_calls.hpp"

#include <fcntl.h>
#include <linux/kcmp.h>
#include <netdb.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "braid/loop/loop.hpp"
#include "sigpipe.hpp"

namespace braid {

namespace {

struct kernel_calls final : direct_calls {};

int or_errno(int ended) noexcept { return ended < 0 ? -errno : ended; }

constexpr int dupfd_query = 1027;  // F_DUPFD_QUERY: Linux 6.10, newer than the system's headers

// Identifies a file on disk by its device and inode, mixed into 32 bits.
std::uint32_t identity_of(const struct stat& file) noexcept {
  constexpr std::uint64_t odd = 0x9e3779b97f4a7c15;
  return static_cast<std::uint32_t>((file.st_ino ^ file.st_dev * odd) * odd >> 32);
}

}  // namespace

direct_calls& direct_calls::of_kernel() noexcept {
  static kernel_calls all;
  return all;
}
direct_calls& direct_calls::current() noexcept {
  loop* here = loop::current_or_null();
  return here != nullptr ? here->operations().direct() : of_kernel();
}

int direct_calls::socket(int family, int type, int protocol) noexcept {
  return or_errno(::socket(family, type, protocol));
}
int direct_calls::bind(int socket, const sockaddr* address, socklen_t length) noexcept {
  return or_errno(::bind(socket, address, length));
}
int direct_calls::listen(int socket, int backlog) noexcept { return or_errno(::listen(socket, backlog)); }
int direct_calls::connect(int socket, const sockaddr* address, socklen_t length) noexcept {
  return or_errno(::connect(socket, address, length));
}
int direct_calls::set_option(int socket, int level, int name, const void* value, socklen_t length) noexcept {
  return or_errno(::setsockopt(socket, level, name, value, length));
}
int direct_calls::get_option(int socket, int level, int name, void* value, socklen_t& length) noexcept {
  return or_errno(::getsockopt(socket, level, name, value, &length));
}
int direct_calls::send_message(int socket, const msghdr& message, int flags) noexcept {
  return or_errno(static_cast<int>(::sendmsg(socket, &message, flags)));
}
int direct_calls::local_name(int socket, sockaddr_storage& name) noexcept {
  socklen_t length = sizeof name;
  return or_errno(::getsockname(socket, reinterpret_cast<sockaddr*>(&name), &length));
}
int direct_calls::peer_name(int socket, sockaddr_storage& name) noexcept {
  socklen_t length = sizeof name;
  return or_errno(::getpeername(socket, reinterpret_cast<sockaddr*>(&name), &length));
}
file_traits direct_calls::traits_of(int descriptor) noexcept {
  file_traits found{.identity = static_cast<std::uint32_t>(descriptor)};
  struct stat what;
  const int flags = ::fcntl(descriptor, F_GETFL);
  if (flags < 0 || ::fstat(descriptor, &what) != 0) return found;
  found.known = true;
  found.has_position =
      (S_ISREG(what.st_mode) || S_ISBLK(what.st_mode)) && ::lseek(descriptor, 0, SEEK_CUR) >= 0;
  if (found.has_position) found.identity = identity_of(what);
  found.appends = (flags & O_APPEND) != 0;
  found.unbuffered = (flags & O_DIRECT) != 0;
  found.is_terminal = S_ISCHR(what.st_mode) && ::isatty(descriptor) == 1;
  if (S_ISFIFO(what.st_mode) || S_ISSOCK(what.st_mode)) {
    found.write_flags = static_cast<std::uint16_t>(detail::rwf_nosignal());
    found.may_signal = found.write_flags == 0;
  }
  return found;
}
bool direct_calls::share_position(int one, int other) noexcept {
  if (const int answer = ::fcntl(one, dupfd_query, other); answer >= 0) return answer == 1;
  const pid_t here = ::getpid();
  const long order = ::syscall(SYS_kcmp, here, here, KCMP_FILE, one, other);
  return order == 0 || (order < 0 && errno != EBADF);
}
int direct_calls::pipe(int (&ends)[2]) noexcept { return or_errno(::pipe2(ends, O_CLOEXEC)); }
int direct_calls::splice_pipe(int (&ends)[2], int most) noexcept {
  if (const int failed = pipe(ends); failed < 0) return failed;
  (void)::fcntl(ends[1], F_SETPIPE_SZ, most);  // refused to a user who has too many large pipes
  return or_errno(::fcntl(ends[1], F_GETPIPE_SZ));
}
int direct_calls::close(int descriptor) noexcept { return or_errno(::close(descriptor)); }

int direct_calls::look_up(const std::string& host, const std::string& service,
                          std::vector<sockaddr_storage>& found) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  int failed = ::getaddrinfo(host.c_str(), service.c_str(), &hints, &list);
  if (failed == EAI_SERVICE) {  // a service that only datagrams have, such as ntp
    hints.ai_socktype = SOCK_DGRAM;
    failed = ::getaddrinfo(host.c_str(), service.c_str(), &hints, &list);
  }
  if (failed != 0) return failed;
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(list, ::freeaddrinfo);
  for (const addrinfo* each = list; each != nullptr; each = each->ai_next) {
    if (each->ai_family != AF_INET && each->ai_family != AF_INET6) continue;
    std::memcpy(&found.emplace_back(), each->ai_addr, each->ai_addrlen);
  }
  return found.empty() ? EAI_NONAME : 0;
}

}  // namespace braid
