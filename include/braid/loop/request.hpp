#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>

namespace braid {

/// What a request asks for, in POSIX's words. The reactor maps it; the comments say what the fields mean.
enum class opcode : std::uint8_t {
  nop,
  read,        ///< descriptor, address, length, offset (current_position for the file's own)
  write,       ///< like read
  fsync,       ///< descriptor; flags: 0 or data_only
  truncate,    ///< descriptor, offset: the new size
  open,        ///< address: path; flags: of open(2); length: mode
  status,      ///< descriptor (or the working directory), address: path; offset: address of a struct statx
  close,       ///< descriptor
  accept,      ///< descriptor; flags: of accept4(2)
  connect,     ///< descriptor; address: sockaddr; offset: its length
  send,        ///< descriptor, address, length; flags: of send(2)
  receive,     ///< descriptor, address, length; flags: of recv(2)
  shutdown,    ///< descriptor; length: SHUT_RD, SHUT_WR or SHUT_RDWR
  socket,      ///< descriptor: domain; offset: type; length: protocol
  poll,        ///< descriptor; flags: events of poll(2)
  rename,      ///< address: from; offset: address of the path to
  unlink,      ///< address: path; flags: 0 or AT_REMOVEDIR
  make_directory,  ///< address: path; length: mode
  cancel_descriptor,  ///< descriptor: cancels what is in flight on that number; 0 when nothing is
  ///< any more, or else with how many were found, and must be asked again
  accept_many,  ///< like accept, and may complete again and again: see completion::more
  send_message,  ///< descriptor; address: a msghdr of one buffer at most; length: the buffer's; flags
  receive_message,  ///< the same with recvmsg(2), which fills in the msghdr as well
  count_  ///< how many there are
};

/// One system call to be made: what an SQE says, but no kernel type, so that a reactor can submit, emulate or
/// simulate it.
struct request {
  static constexpr std::uint64_t current_position = ~std::uint64_t{0};  ///< an offset
  static constexpr std::uint32_t data_only = 1;  ///< a flag of fsync
  static constexpr std::int32_t working_directory = -100;  ///< AT_FDCWD

  opcode code = opcode::nop;
  /// A hint for receive: nothing is there yet, so that trying before waiting is wasted
  bool waits_first = false;
  std::int32_t descriptor = -1;
  void* address = nullptr;
  std::uint64_t offset = 0;
  std::uint32_t length = 0;
  std::uint32_t flags = 0;

  /// Does it name a descriptor that must stay open until it has ended?
  [[nodiscard]] constexpr bool uses_descriptor() const noexcept {
    return code != opcode::nop && code != opcode::open && code != opcode::close && code != opcode::socket &&
           code != opcode::rename && code != opcode::unlink && code != opcode::make_directory &&
           code != opcode::cancel_descriptor;
  }

  struct buffer {
    void* address = nullptr;
    std::size_t length = 0;
  };
  /// The buffer that the kernel writes into; none where it writes into none.
  [[nodiscard]] buffer filled_buffer() const noexcept {
    if (code == opcode::read || code == opcode::receive) return {address, length};
    return code == opcode::receive_message ? buffer_of_message() : buffer();
  }
  /// The same of a message that is received or sent.
  [[nodiscard]] buffer buffer_of_message() const noexcept {
    const auto& message = *static_cast<const msghdr*>(address);
    if (message.msg_iovlen == 0) return {};
    return {message.msg_iov->iov_base, message.msg_iov->iov_len};
  }
};
static_assert(sizeof(request) == 32);

/// A copy, read field by field. Left to itself a compiler reads two words at once, which, just after they
/// were written one by one, makes the processor wait until both have reached the cache: 9 ns of each
/// operation (measured).
[[nodiscard, gnu::always_inline]] inline request copy_of(const request& what) noexcept {
  const auto alone = [](auto field) {
    __asm__("" : "+r"(field));  // in a register now, so that its neighbours cannot be read with it
    return field;
  };
  return {alone(what.code),   alone(what.waits_first), alone(what.descriptor), alone(what.address),
          alone(what.offset), alone(what.length),      alone(what.flags)};
}

/// "read", "cancel_descriptor": the opcode as it is written here.
[[nodiscard]] const char* name_of(opcode code) noexcept;

}  // namespace braid
