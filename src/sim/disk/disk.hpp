#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "braid/sim/host.hpp"
#include "machine.hpp"

namespace braid::sim::detail {

struct volume;

// A host's disk and the page cache over it: files, directories, what has been synced of them, and what has
// not. Paths are absolute, or relative to "/". What may be assumed is ext4's: see disk_options.
//
// Threads  the world's.
// Cost     of a write, its bytes, and those that it replaced until the file is synced; of a crash, all that
//          was not synced.
// Errors   those of Linux for a process that may do everything: no EACCES. There are no symbolic and no hard
//          links, nor files without a name (O_TMPFILE); the umask is 022.
class disk : pinned {
 public:
  disk(machine& in, const disk_options& options);
  ~disk();

  // How long a request takes that names a path.
  [[nodiscard]] loop_clock::duration latency(const request& what);
  // Each gives what the system call returns, or minus the errno; open 0, and what was opened.
  std::int32_t open(const std::string& path, int flags, unsigned mode, std::shared_ptr<object>& opened);
  std::int32_t status(const std::string& path, struct statx& found) const;
  std::int32_t rename(const std::string& from, const std::string& to);
  std::int32_t remove(const std::string& path, bool directory);
  std::int32_t make_directory(const std::string& path, unsigned mode);

  // The power fails: what was not synced is kept, torn or lost, as drawn. What is open stays so, but every
  // request on it fails.
  void crash();

  // What a file holds, as the page cache shows it.
  [[nodiscard]] std::optional<std::string> contents(const std::string& path) const;
  // Makes a durable file, and its directories with it; so become all changes of names before it.
  // Throws std::system_error.
  void put(const std::string& path, readable_bytes bytes);

 private:
  std::int32_t remove_file(const std::string& path);
  std::int32_t remove_directory(const std::string& path);

  std::shared_ptr<volume> volume_;  // also of what is open
};

}  // namespace braid::sim::detail
