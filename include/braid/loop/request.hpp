#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>

namespace braid {

/// The operation of a request, in POSIX's words. The comments say how each opcode uses the request's fields.
///
///     log(name_of(opcode::cancel_descriptor));
enum class opcode : std::uint8_t {
  nop,         ///< no field
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
  cancel_descriptor,  ///< descriptor: cancels the requests in flight on that number. Its result is how many
  ///< it found; unless that is 0 it must be submitted again
  accept_many,  ///< like accept, but completes many times: see completion::more
  send_message,  ///< descriptor; address: a msghdr of one buffer at most; length: the buffer's; flags
  receive_message,  ///< like send_message, with recvmsg(2), which also fills in the msghdr
  receive_many,  ///< descriptor; flags: of recv(2). Completes many times, each with a buffer of the loop's:
  ///< see completion::has_buffer; with -ENOBUFS when none is free
  send_parts,  ///< for streams: descriptor; address: a msghdr; length: of all its buffers; flags
  read_directory,  ///< descriptor; address, length: a buffer for records of getdents64(2)
  change_mode,  ///< descriptor; length: the mode
  fill_pipe,  ///< descriptor, offset, length: splice(2) into an empty pipe; address: its number; flags:
  ///< of_pipe, of_file or of_socket, as the descriptor is
  drain_pipe,  ///< the reverse: into the descriptor, out of the pipe
  try_lock,  ///< descriptor: flock(2) with LOCK_EX, without waiting. Its result is 0, or 1: another open file
  ///< has the lock
  count_  // the number of opcodes
};

/// One system call to be made. It says what an SQE says, but is no kernel type, so that a reactor can submit,
/// emulate or simulate it.
///
///     const request what{.code = opcode::fsync, .descriptor = 3, .flags = request::data_only};
struct request {
  static constexpr std::uint64_t current_position = ~std::uint64_t{0};  ///< an offset
  static constexpr std::uint32_t data_only = 1;  ///< a flag of fsync
  static constexpr std::uint32_t of_pipe = 0, of_file = 1, of_socket = 2;  ///< flags of fill_pipe, drain_pipe
  static constexpr std::int32_t working_directory = -100;  ///< AT_FDCWD

  opcode code = opcode::nop;
  /// A hint for receive: no data is there yet, so the kernel should wait before it tries.
  bool waits_first = false;
  std::int32_t descriptor = -1;
  void* address = nullptr;
  std::uint64_t offset = 0;
  std::uint32_t length = 0;
  std::uint32_t flags = 0;

  /// Does it use a descriptor that must stay open until the request has ended?
  [[nodiscard]] constexpr bool uses_descriptor() const noexcept {
    return code != opcode::nop && code != opcode::open && code != opcode::close && code != opcode::socket &&
           code != opcode::rename && code != opcode::unlink && code != opcode::make_directory &&
           code != opcode::cancel_descriptor;
  }

  /// Does a reactor call splice(2) for it itself, as soon as its descriptor is ready? On a file it would wait
  /// for the disk.
  [[nodiscard]] constexpr bool splices_when_ready() const noexcept {
    return (code == opcode::fill_pipe || code == opcode::drain_pipe) && flags != of_file;
  }

  /// Memory that the kernel reads or writes.
  struct buffer {
    void* address = nullptr;
    std::size_t length = 0;
  };
  /// The buffer that the kernel writes into; empty if it writes into none.
  [[nodiscard]] buffer filled_buffer() const noexcept {
    if (code == opcode::read || code == opcode::receive || code == opcode::read_directory)
      return {address, length};
    return code == opcode::receive_message ? buffer_of_message() : buffer();
  }
  /// The buffer of a message that is received or sent.
  [[nodiscard]] buffer buffer_of_message() const noexcept {
    const auto& message = *static_cast<const msghdr*>(address);
    if (message.msg_iovlen == 0) return {};
    return {message.msg_iov->iov_base, message.msg_iov->iov_len};
  }
};
static_assert(sizeof(request) == 32);

// A copy, read field by field. A compiler would read two words at once. Just after they were written one by
// one, the processor must then wait until both have reached the cache: 9 ns of each operation (measured).
[[nodiscard, gnu::always_inline]] inline request copy_of(const request& what) noexcept {
  const auto alone = [](auto field) {
    __asm__("" : "+r"(field));  // forces the field into a register, apart from its neighbours
    return field;
  };
  return {alone(what.code),   alone(what.waits_first), alone(what.descriptor), alone(what.address),
          alone(what.offset), alone(what.length),      alone(what.flags)};
}

/// The opcode's name as written above: "read", "cancel_descriptor".
///
///     use(name_of(opcode::read) == std::string_view("read"));
[[nodiscard]] const char* name_of(opcode code) noexcept;

}  // namespace braid
