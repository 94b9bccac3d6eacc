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

// A host's disk and its page cache: files, directories, what of them was synced and what was not. Paths are
// absolute, or relative to "/". A crash may do what ext4 may do: see disk_options.
//
// Threads  the world's.
// Cost     of a write: its bytes, and the bytes that it replaced until the file is synced; of a crash: all
//          that was not synced.
// Errors   those of Linux for a process with all rights: no EACCES. There are no symbolic links, no hard
//          links and no files without a name (O_TMPFILE); the umask is 022.
class disk : pinned {
 public:
  disk(machine& in, const disk_options& options);
  ~disk();

  // The time that a request with a path takes.
  [[nodiscard]] loop_clock::duration latency(const request& what);
  // Each returns what the system call returns, or the negative errno; open returns 0 and the object it
  // opened.
  std::int32_t open(const std::string& path, int flags, unsigned mode, std::shared_ptr<object>& opened);
  std::int32_t status(const std::string& path, struct statx& found) const;
  std::int32_t rename(const std::string& from, const std::string& to);
  std::int32_t remove(const std::string& path, bool directory);
  std::int32_t make_directory(const std::string& path, unsigned mode);

  // Called when the power fails: what was not synced is kept, torn or lost, as drawn. Open files stay open,
  // but every request on them fails.
  void crash();

  // The content of a file, as the page cache shows it.
  [[nodiscard]] std::optional<std::string> contents(const std::string& path) const;
  // Makes a durable file and its directories; all earlier changes of names become durable with it.
  // Throws std::system_error.
  void put(const std::string& path, readable_bytes bytes);

 private:
  std::int32_t remove_file(const std::string& path);
  std::int32_t remove_directory(const std::string& path);

  std::shared_ptr<volume> volume_;  // shared with the open files
};

}  // namespace braid::sim::detail
