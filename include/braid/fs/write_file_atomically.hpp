#pragma once

#include <filesystem>

#include "braid/loop/bytes.hpp"
#include "braid/style/task.hpp"

namespace braid::fs {

/// Creates a file, or replaces its contents as a whole: a reader, and the disk after a crash, have all of the
/// old contents or all of the new ones. Once it has completed they are the new ones.
///
///     const std::string settings = co_await fetch("settings");
///     co_await fs::write_file_atomically("/tmp/settings", settings);
///
/// It writes a temporary file in the same directory, syncs it, renames it, and syncs the directory. A failure
/// at any step up to the rename removes the temporary file and leaves the old one as it was: so does a disk
/// that becomes full. If only the sync of the directory fails, the new contents are there, but a crash may
/// still bring the old ones back. A crash, or the end of the loop meanwhile, may leave a temporary file
/// behind, named .braid- and numbers.
///
/// The file keeps its permissions. It becomes another file: with the caller as its owner, without the old
/// one's hard links and extended attributes. Whoever has the old one open goes on to see that. A symbolic
/// link stays, and the file that it leads to is replaced.
///
/// Lifetime  bytes stay alive until the operation has ended.
/// Errors    those of the steps, with their paths. Of what is no regular file: is_a_directory or
///           invalid_argument.
/// Cancel    before the rename, leaves all as it was; from then on ignored.
/// Cost      two syncs: of the order of a write to the device each.
[[nodiscard]] task<void> write_file_atomically(std::filesystem::path path, readable_bytes bytes);

}  // namespace braid::fs
