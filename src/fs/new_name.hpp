#pragma once

#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>

namespace braid::detail {

/// A name in the directory that probably no file has: one left behind by a crash may. Open it with O_EXCL.
inline std::filesystem::path new_name(const std::filesystem::path& directory) {
  static std::atomic<std::uint64_t> made{0};
  return directory / (".braid-" + std::to_string(::getpid()) + "-" + std::to_string(++made));
}

}  // namespace braid::detail
