#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

#include "braid/fs/detail/file_outcomes.hpp"
#include "braid/loop/bytes.hpp"
#include "braid/loop/descriptor.hpp"
#include "braid/loop/detail/transfer_bytes.hpp"

namespace braid {

namespace detail {
struct open_outcome;
}  // namespace detail

/// An open file, or anything else with a descriptor to read and write: a pipe, a terminal, a device.
///
///     const file in = co_await open_file("/etc/hostname");
///     std::array<char, 512> part;
///     while (const std::size_t got = co_await in.read_some(part)) log({part.data(), got});  // 0 at the end
///
/// Lifetime  the destructor closes it without waiting, as descriptor's does; close() waits. A buffer stays
///           alive until the operation on it has ended.
/// Order     reads and writes at the file's position are carried out one after the other, in the order in
///           which they were begun, through whichever descriptor of the open file (dup). On a pipe or a
///           terminal the same holds for the reads, and for the writes, of one descriptor. read_at and
///           write_at do not wait for other operations.
/// Threads   its operations run on the current loop; on one loop at a time.
/// Errors    std::error_code of the system call, with call and path in its message. At the end of a file
///           read_some reads 0 bytes, and read_exactly fails with errc::end_of_stream. A write to a pipe
///           without a reader fails with broken_pipe, without a SIGPIPE. A write beyond RLIMIT_FSIZE fails
///           with file_too_large; the system also raises SIGXFSZ, which the program should ignore.
/// Cancel    read_exactly and write_all may have moved a part before they fail or are cancelled:
///           error::transferred() says how much. An operation that still waits for others has moved nothing.
/// Cost      one request each; write_all and read_exactly as many as they need. On io_uring an lseek(2) for
///           each operation at a regular file's position. A read of up to 64 KiB that the page cache has is
///           one preadv2(2) and no request.
class file {
  friend struct detail::open_outcome;

 public:
  /// No file: every operation fails with bad_file_descriptor.
  file() = default;
  /// Adopts an open descriptor.
  [[nodiscard]] static file from_descriptor(int number) noexcept { return file(descriptor(number)); }
  /// The descriptor's number; -1 when the file is closed.
  [[nodiscard]] int number() const noexcept { return descriptor_.number(); }
  [[nodiscard]] bool is_open() const noexcept { return descriptor_.is_open(); }
  /// Leaves the descriptor to the caller, which closes it.
  [[nodiscard]] int release() noexcept { return descriptor_.release(); }

  /// Reads at most to.size() bytes at the file's position and moves it. Returns how many; 0 at the end.
  [[nodiscard]] auto read_some(writable_bytes to) const noexcept {
    request what = at_position(opcode::read, to.data());
    what.length = transfer_length(to.size());
    using outcome = detail::in_turn<detail::some_outcome<detail::read_some_name>>;
    return io_sender<detail::perhaps_cached<outcome>>{what, {{{{}, traits_}}}};
  }
  /// Writes at most from.size() bytes at the file's position and moves it. Returns how many.
  [[nodiscard]] auto write_some(readable_bytes from) const noexcept {
    request what = at_position(opcode::write, const_cast<void*>(from.data()));
    what.length = transfer_length(from.size());
    return io_sender<detail::in_turn<detail::some_outcome<detail::write_some_name>>>{what, {{{}, traits_}}};
  }
  /// Like read_some and write_some, but at an offset and without moving the file's position. On a file opened
  /// with O_APPEND Linux ignores the offset of a write and appends.
  [[nodiscard]] auto read_at(std::uint64_t offset, writable_bytes to) const noexcept {
    ask_traits();
    using outcome = detail::of_any_file<detail::some_outcome<detail::read_at_name>>;
    return io_sender<detail::perhaps_cached<outcome>>{at_offset(opcode::read, to.data(), to.size(), offset),
                                                      {{{true}, traits_}}};
  }
  [[nodiscard]] auto write_at(std::uint64_t offset, readable_bytes from) const noexcept {
    ask_traits();
    request what = at_offset(opcode::write, const_cast<void*>(from.data()), from.size(), offset);
    what.flags = traits_.write_flags;
    return io_sender<detail::of_any_file<detail::some_outcome<detail::write_at_name>>>{what,
                                                                                       {{true}, traits_}};
  }
  /// Reads exactly to.size() bytes at the file's position.
  [[nodiscard]] auto read_exactly(writable_bytes to) const noexcept {
    using outcome = detail::in_turn<detail::whole_outcome<detail::read_exactly_name, void>>;
    return io_sender<detail::perhaps_cached<outcome>>{at_position(opcode::read, to.data()),
                                                      {{{{to.size()}, traits_}}}};
  }
  /// Writes all bytes of `from` at the file's position.
  [[nodiscard]] auto write_all(readable_bytes from) const noexcept {
    return io_sender<detail::in_turn<detail::whole_outcome<detail::write_all_name, void>>>{
        at_position(opcode::write, const_cast<void*>(from.data())), {{{from.size()}, traits_}}};
  }

  // [sync]

  /// Completes once the file's data and metadata have reached the device.
  [[nodiscard]] auto sync() const noexcept {
    request what{.code = opcode::fsync, .descriptor = number()};
    return io_sender<detail::done_outcome<detail::sync_name>>{what, {}};
  }
  // [/sync]

  /// Like sync for the data and the metadata needed to read it back.
  [[nodiscard]] auto datasync() const noexcept {
    request what{.code = opcode::fsync, .descriptor = number(), .flags = request::data_only};
    return io_sender<detail::done_outcome<detail::datasync_name>>{what, {}};
  }
  /// Cuts the file to size, or extends it with zeros.
  [[nodiscard]] auto truncate(std::uint64_t size) const noexcept {
    request what{.code = opcode::truncate, .descriptor = number(), .offset = size};
    return io_sender<detail::done_outcome<detail::truncate_name>>{what, {}};
  }
  /// The file's length in bytes; 0 for a file without a length, such as a pipe.
  [[nodiscard]] auto size() const noexcept {
    request what{
        .code = opcode::status, .descriptor = number(), .length = STATX_SIZE, .flags = AT_EMPTY_PATH};
    return io_sender<detail::size_outcome>{what, {}};
  }
  /// Takes the exclusive lock of flock(2), without waiting for it. A sender of bool: false if another open
  /// file has it. Only programs that ask for it heed it. It ends when the file is closed, at the latest with
  /// the process.
  ///
  ///     const file door = co_await open_file("/tmp/only-one", O_RDWR | O_CREAT);
  ///     const bool alone = co_await door.try_lock();
  ///     if (!alone) log("another one runs");
  [[nodiscard]] auto try_lock() const noexcept {
    return io_sender<detail::lock_outcome>{{.code = opcode::try_lock, .descriptor = number()}, {}};
  }
  /// Cancels the operations in flight on the file, waits until they have ended, then closes it.
  [[nodiscard]] auto close() noexcept { return descriptor_.close(); }

  // For copy, which moves bytes between files and sockets through a pipe.
  using splices = file;
  [[nodiscard]] auto fill_pipe(int pipe, std::uint32_t most) const noexcept {
    return splice<detail::read_some_name>(opcode::fill_pipe, pipe, most);
  }
  [[nodiscard]] auto drain_pipe(int pipe, std::uint32_t most) const noexcept {
    return splice<detail::write_all_name>(opcode::drain_pipe, pipe, most);
  }

 private:
  explicit file(descriptor open) noexcept : descriptor_(std::move(open)) {}

  template <const char* Name>
  [[nodiscard]] io_sender<detail::in_turn<detail::some_outcome<Name>>> splice(
      opcode code, int pipe, std::uint32_t most) const noexcept {
    request what = at_position(code, reinterpret_cast<void*>(std::intptr_t{pipe}));
    what.length = most;
    what.flags = traits_.has_position ? request::of_file : request::of_pipe;
    return {what, {{{}, traits_}}};
  }

  [[nodiscard]] request at_offset(opcode code, void* address, std::size_t size,
                                  std::uint64_t offset) const noexcept {
    return {.code = code,
            .descriptor = number(),
            .address = address,
            .offset = offset,
            .length = transfer_length(size)};
  }
  [[nodiscard]] request at_position(opcode code, void* address) const noexcept {
    ask_traits();
    return {.code = code,
            .descriptor = number(),
            .address = address,
            .offset = request::current_position,
            .flags = code == opcode::write ? traits_.write_flags : 0U};
  }

  void ask_traits() const noexcept {
    if (traits_.known) return;
    const bool opened_here = traits_.opened_here;
    traits_ = direct_calls::current().traits_of(number());
    traits_.opened_here = opened_here;
  }

  descriptor descriptor_;
  mutable file_traits traits_;  // filled in at the first read or write
};

namespace detail {
struct open_outcome {
  using value_type = file;
  static constexpr const char* name() noexcept { return "open_file"; }
  static constexpr io_hooks hooks{.prepare = true, .object = true, .may_block = true};
  // A FIFO must wait for its other end. io_uring first tries without blocking, and a FIFO would then open or
  // fail before its other end is there.
  [[nodiscard]] static bool may_block(const request& what) noexcept {
    constexpr std::uint32_t never_waits = O_RDWR | O_NONBLOCK | O_DIRECTORY | O_PATH;
    return (what.flags & never_waits) == 0;
  }
  [[nodiscard]] int prepare(request& what) noexcept {
    what.address = path.data();
    return path.find('\0') == path.npos ? 0 : EINVAL;  // the system would open the path up to the zero
  }
  result<file> operator()(std::int32_t ended, const request&) const noexcept {
    file opened = file::from_descriptor(ended);
    opened.traits_.opened_here = true;
    return opened;
  }
  [[nodiscard]] std::string object() const {
    if (path.empty()) return "\"\"";
    std::string text = path;
    std::ranges::replace(text, '\0', '?');
    return text;
  }
  std::string path;
};
}  // namespace detail

/// Opens a file. A sender of file. The flags are those of open(2), with O_CLOEXEC added; mode is for O_CREAT.
///
///     file journal = co_await open_file("/tmp/journal", O_WRONLY | O_CREAT | O_APPEND, 0600);
///     co_await journal.write_all("begun\n");
///     co_await journal.sync();
///     co_await journal.close();
///
/// Errors  those of open(2), with the path in the message.
/// Cancel  ends the open of a FIFO, which waits for its other end unless O_NONBLOCK is set.
[[nodiscard]] inline auto open_file(const std::filesystem::path& path, int flags = O_RDONLY,
                                    mode_t mode = 0666) {
  request what{.code = opcode::open,
               .descriptor = request::working_directory,
               .length = mode,
               .flags = static_cast<std::uint32_t>(flags | O_CLOEXEC)};
  return io_sender<detail::open_outcome>{what, {path.native()}};
}

}  // namespace braid
