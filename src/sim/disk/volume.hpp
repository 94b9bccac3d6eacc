#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>

#include "braid/sim/host.hpp"
#include "disk/directory_tree.hpp"

namespace braid::sim::detail {

// The state that a disk shares with the files opened on it.
struct volume : pinned {
  volume(choices& from, const disk_options& its_options) : draws(from), options(its_options) {}

  choices& draws;
  const disk_options options;
  directory_tree names;
  std::uint64_t used = 0;  // bytes of files that have a name or are open
  std::uint64_t crashes = 0;

  // Writes as much as there is room for, and returns how much that was.
  std::size_t write(node& file, std::uint64_t at, const void* bytes, std::size_t size);
  void resize(node& file, std::uint64_t size);
  // Frees the file's bytes if it has neither a name nor an open description any more.
  void release(const node& file) noexcept;
  void sync(node& which, bool data_only);
  void crash();

  [[nodiscard]] loop_clock::duration latency();
  void describe(const node& which, struct statx& to) const;
};

}  // namespace braid::sim::detail
