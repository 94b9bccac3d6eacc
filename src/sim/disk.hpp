#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "braid/sim/host.hpp"
#include "machine.hpp"

namespace braid::sim::detail {

// A host's disk and the page cache over it: files, directories, what has been synced of them, and what has
// not. Paths are absolute, or relative to "/".
class disk : pinned {
 public:
  disk(machine& in, const disk_options& options);
  ~disk();

  // How long a request takes that names a path.
  [[nodiscard]] loop_clock::duration latency(const request& what);
  // Each gives what the system call returns, or minus the errno.
  std::int32_t open(const std::string& path, int flags, unsigned mode, std::shared_ptr<object>& opened);
  std::int32_t status(const std::string& path, struct statx& found) const;
  std::int32_t rename(const std::string& from, const std::string& to);
  std::int32_t remove(const std::string& path, bool directory);
  std::int32_t make_directory(const std::string& path, unsigned mode);

  // The power fails: what was not synced is kept, torn or lost, as drawn.
  void crash();

  [[nodiscard]] std::optional<std::string> contents(const std::string& path) const;
  void put(const std::string& path, readable_bytes bytes);

 private:
  struct body;
  std::unique_ptr<body> body_;
};

}  // namespace braid::sim::detail
