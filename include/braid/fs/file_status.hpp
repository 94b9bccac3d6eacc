#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>

namespace braid::fs {

/// What the system knows of a file beside its contents.
///
///     const fs::file_status found = co_await fs::status("/etc/hostname");
///     if (found.type == std::filesystem::file_type::regular) log(std::to_string(found.size));
struct file_status {
  std::filesystem::file_type type{};
  std::filesystem::perms permissions{};
  std::uint64_t size = 0;                         ///< in bytes
  std::chrono::system_clock::time_point
      modified{};  ///< the contents; the epoch where the system does not say
  std::uint32_t owner = 0, group = 0;
  std::uint64_t device = 0, inode = 0;  ///< together they tell whether two paths mean the same file
  std::uint64_t links = 0;              ///< how many names it has
};

}  // namespace braid::fs
