#pragma once

#include <filesystem>
#include <string>

#include "braid/loop/bytes.hpp"
#include "braid/style/task.hpp"

namespace braid {

/// The contents of a file, read until its end: also of files that do not know their size, as in /proc.
/// Errors  as open_file and file::read_some.
[[nodiscard]] task<std::string> read_file(std::filesystem::path path);

/// Makes the file anew, or replaces its contents. What was written survives a crash only after a sync.
/// Lifetime  bytes stay alive until the operation has ended.
[[nodiscard]] task<void> write_file(std::filesystem::path path, readable_bytes bytes);

}  // namespace braid
