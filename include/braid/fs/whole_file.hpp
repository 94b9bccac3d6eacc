#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "braid/loop/bytes.hpp"
#include "braid/style/task.hpp"

namespace braid {

/// The contents of a file, read until its end: also of files that do not know their size, as in /proc, of
/// pipes, and of files that grow or shrink meanwhile.
/// Errors  as open_file and file::read_some. An endless file, as /dev/zero, is read until there is no memory.
/// Cost    memory for one and a half times the contents at most; only the contents where the size is known.
[[nodiscard]] task<std::string> read_file(std::filesystem::path path);
/// The same; file_too_large when there are more than most_bytes.
[[nodiscard]] task<std::string> read_file_at_most(std::filesystem::path path, std::size_t most_bytes);

/// Makes the file anew, or replaces its contents. What was written survives a crash only after a sync.
/// Lifetime  bytes stay alive until the operation has ended.
[[nodiscard]] task<void> write_file(std::filesystem::path path, readable_bytes bytes);

}  // namespace braid
