#pragma once

#include <filesystem>

#include "braid/fs/file.hpp"
#include "braid/style/task.hpp"

namespace braid::fs {

/// A new, empty file without a name, to read and write: it is gone once it is closed, also when the program
/// crashes. In TMPDIR, else in /tmp, or in a directory of the caller's choice.
///
///     file scratch = co_await fs::temporary_file();
///     co_await scratch.write_all("half of the sum is 21\n");
///
/// On a file system that has no files without names it has one until this completes.
///
/// Errors  those of open(2), with the directory.
/// Cancel  leaves no file behind.
[[nodiscard]] task<file> temporary_file();
[[nodiscard]] task<file> temporary_file(std::filesystem::path directory);

}  // namespace braid::fs
