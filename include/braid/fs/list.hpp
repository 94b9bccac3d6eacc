#pragma once

#include <filesystem>
#include <string>

#include "braid/style/async_generator.hpp"

namespace braid::fs {

/// An entry of a directory.
///
///     const auto show = [](const fs::entry& each) { log(each.name); };
struct entry {
  std::string name;  ///< without the directory
  std::filesystem::file_type type = std::filesystem::file_type::unknown;  ///< symlink for a symbolic link
};

/// The entries of a directory as an async_range, in no order, without "." and "..".
///
///     auto pages = fs::list("/tmp/pages");
///     while (const auto each = co_await pages.next())
///       if (each->type == std::filesystem::file_type::regular) log(each->name);
///
/// An entry that is made or removed while the list is read may be there or not; each of the others is there
/// once. The list says what a name was when it was read: by the time that the program opens the file it may
/// be gone.
///
/// Errors  of the first next(): those of open(2). Later ones: those of getdents64(2), with the path.
/// Cancel  as for async_generator: after a cancelled next() every later one fails as cancelled.
/// Cost    32 KiB, whatever the directory's size, and a request on the blocking pool for each 32 KiB of
///         entries. On the few file systems that do not say what an entry is, a status for each.
[[nodiscard]] async_generator<entry> list(std::filesystem::path directory);

}  // namespace braid::fs
