#pragma once

#include <fcntl.h>
#include <sys/types.h>

#include <cstdint>
#include <filesystem>

#include "braid/fs/detail/path_outcomes.hpp"
#include "braid/loop/io_sender.hpp"

namespace braid::fs {

/// Gives a file or a directory another name, in the same file system. What had that name before is replaced,
/// in one step: anybody who opens the name finds the one or the other. A directory replaces only an empty
/// one.
///
///     co_await fs::rename("/tmp/page.new", "/tmp/page");
///
/// A symbolic link is renamed itself. The new name survives a crash of the system only once its directory was
/// synced: see write_file_atomically.
///
/// Errors  those of rename(2), with both paths in the message; cross_device_link between file systems.
/// Cancel  once a thread has begun it, the rename may still happen although it ends as cancelled.
[[nodiscard]] inline auto rename(const std::filesystem::path& from, const std::filesystem::path& to) {
  return io_sender<detail::rename_outcome>{{.code = opcode::rename,
                                            .descriptor = request::working_directory,
                                            .length = static_cast<std::uint32_t>(request::working_directory)},
                                           {{from.native()}, {to.native()}}};
}

/// Removes the name of a file, or an empty directory. A symbolic link is removed itself. The file goes on to
/// exist for those who have opened it.
///
///     co_await fs::remove("/tmp/page");
///
/// Errors  those of unlink(2) and rmdir(2): no_such_file_or_directory, directory_not_empty.
/// Cancel  as for rename.
[[nodiscard]] inline auto remove(const std::filesystem::path& path) {
  return io_sender<detail::remove_outcome>{{.code = opcode::unlink, .descriptor = request::working_directory},
                                           {{path.native()}}};
}

/// Makes a directory. The mode is less the process's umask.
///
///     co_await fs::create_directory("/tmp/pages", 0700);
///
/// Errors  those of mkdir(2): file_exists, also if it is a directory.
/// Cancel  as for rename.
[[nodiscard]] inline auto create_directory(const std::filesystem::path& path, mode_t mode = 0777) {
  return io_sender<detail::create_directory_outcome>{
      {.code = opcode::make_directory, .descriptor = request::working_directory, .length = mode},
      {{path.native()}}};
}

}  // namespace braid::fs
