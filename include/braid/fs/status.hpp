#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>

#include "braid/fs/detail/status_outcome.hpp"
#include "braid/fs/file_status.hpp"
#include "braid/loop/io_sender.hpp"

namespace braid::fs {

/// The status of the file that the path names, behind symbolic links.
///
///     const fs::file_status found = co_await fs::status("/etc/hostname");
///     log(std::to_string(found.size) + " bytes");
///
/// Errors  those of stat(2): no_such_file_or_directory.
/// Cost    one request. file::size asks an open file for its size.
[[nodiscard]] inline auto status(const std::filesystem::path& path) {
  return io_sender<detail::status_outcome<detail::status_name>>{
      {.code = opcode::status, .descriptor = request::working_directory, .length = STATX_BASIC_STATS},
      {{path.native()}}};
}
/// Like status, but of a symbolic link itself.
///
///     const fs::file_status link = co_await fs::link_status("/etc/localtime");
///     if (link.type == std::filesystem::file_type::symlink) log("a link");
[[nodiscard]] inline auto link_status(const std::filesystem::path& path) {
  return io_sender<detail::status_outcome<detail::link_status_name>>{
      {.code = opcode::status,
       .descriptor = request::working_directory,
       .length = STATX_BASIC_STATS,
       .flags = AT_SYMLINK_NOFOLLOW},
      {{path.native()}}};
}

}  // namespace braid::fs
