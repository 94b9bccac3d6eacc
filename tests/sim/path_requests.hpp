#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <utility>

#include "braid/loop/io_sender.hpp"

namespace braid_tests {

/// The result of a request that names one or two paths.
struct path_answer {
  std::int32_t ended;
  struct statx status;
};

struct path_outcome {
  using value_type = path_answer;
  static constexpr const char* name() noexcept { return "path_request"; }
  static constexpr braid::io_hooks hooks{.prepare = true};
  [[nodiscard]] int prepare(braid::request& what) noexcept {
    what.address = path.data();
    if (what.code == braid::opcode::rename) what.offset = reinterpret_cast<std::uint64_t>(to.data());
    if (what.code == braid::opcode::status) what.offset = reinterpret_cast<std::uint64_t>(&status);
    return 0;
  }
  braid::result<path_answer> operator()(std::int32_t ended, const braid::request&) const noexcept {
    return path_answer{ended, status};
  }
  std::string path, to{};
  struct statx status{};
};

using path_request = braid::io_sender<path_outcome>;

inline path_request rename_path(std::string from, std::string to) {
  return {
      {.code = braid::opcode::rename, .descriptor = AT_FDCWD, .length = static_cast<std::uint32_t>(AT_FDCWD)},
      {std::move(from), std::move(to)}};
}
inline path_request remove_path(std::string path, bool directory = false) {
  return {{.code = braid::opcode::unlink,
           .descriptor = AT_FDCWD,
           .flags = directory ? std::uint32_t{AT_REMOVEDIR} : 0},
          {std::move(path)}};
}
inline path_request make_directory(std::string path) {
  return {{.code = braid::opcode::make_directory, .descriptor = AT_FDCWD, .length = 0777}, {std::move(path)}};
}
/// The status of a path, or of the descriptor itself if the path is empty.
inline path_request status_of(std::string path, int descriptor = AT_FDCWD) {
  const std::uint32_t flags = path.empty() && descriptor != AT_FDCWD ? AT_EMPTY_PATH : 0;
  return {
      {.code = braid::opcode::status, .descriptor = descriptor, .length = STATX_BASIC_STATS, .flags = flags},
      {std::move(path)}};
}

}  // namespace braid_tests
