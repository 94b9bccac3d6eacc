#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "braid/fs/file.hpp"
#include "braid/style/task.hpp"

namespace braid::fs {

/// What has happened to a name in a watched directory, or to a watched file.
///
///     const auto shows = [](const fs::change& each) { return each.kind == fs::change_kind::modified; };
enum class change_kind : std::uint8_t {
  appeared,     ///< it was made, or got its name by a rename
  disappeared,  ///< it was removed, or lost its name by a rename
  modified,     ///< something was written to it or cut off, or who did so has closed it
  attributes,   ///< its permissions, its owner, its times or the number of its links
  missed,       ///< the system had no room for more changes, and dropped some: look at everything again
};

/// One change.
///
///     const auto show = [](const fs::change& each) { log(each.name); };
struct change {
  change_kind kind{};
  std::string name;  ///< in the watched directory; empty for the watched file or directory itself
  bool is_directory = false;
};

/// The changes of a directory or a file, in their order: an async_range. Returned by watch.
///
///     fs::watcher pages = co_await fs::watch("/tmp/pages");
///     while (const auto each = co_await pages.next()) log(each->name);
///
/// It ends when the watched directory or file is removed, after that change, or its file system unmounted.
///
/// Lifetime  outlives its next, and stays at its address meanwhile. One next() at a time.
/// Threads   one loop's.
/// Errors    those of read(2).
/// Cancel    a cancelled next() takes no change.
/// Cost      4 KiB, and one read for as many changes as fit.
class watcher {
 public:
  /// The next change; empty at the end.
  [[nodiscard]] task<std::optional<change>> next();

 private:
  friend task<watcher> watch(std::filesystem::path path);
  explicit watcher(file from);
  [[nodiscard]] std::optional<change> take();

  file from_;
  std::unique_ptr<char[]> buffer_;
  std::size_t at_ = 0, end_ = 0;  // the records that next() has yet to give
  bool ended_ = false;
};

/// Watches the entries of a directory, or a file. A sender of watcher: what happens once it has completed is
/// given by next(), so list the directory afterwards.
///
///     fs::watcher pages = co_await fs::watch("/tmp/pages");
///     auto present = fs::list("/tmp/pages");
///     while (const auto each = co_await present.next()) log(each->name);
///     while (const auto each = co_await pages.next()) log(each->name);
///
/// A directory's own subdirectories are not watched. What another machine changes on a network's file system
/// is not seen.
///
/// Errors  those of inotify_add_watch(2), with the path; where a limit is reached, with its name.
///         operation_not_supported in a simulated world.
/// Cost    a function on the blocking pool, and a descriptor.
/// Source  inotify(7).
[[nodiscard]] task<watcher> watch(std::filesystem::path path);

}  // namespace braid::fs
