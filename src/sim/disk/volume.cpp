#include "disk/volume.hpp"

#include <algorithm>

namespace braid::sim::detail {

std::size_t volume::write(node& file, std::uint64_t at, const void* bytes, std::size_t size) {
  const std::uint64_t room = options.capacity_bytes - std::min(used, options.capacity_bytes);
  const std::size_t fits = file.content.fitting(at, size, room);
  if (fits == 0) return 0;
  used -= file.content.used();
  file.content.write(at, bytes, fits);
  used += file.content.used();
  return fits;
}

void volume::resize(node& file, std::uint64_t size) {
  used -= file.content.used();
  file.content.resize(size);
  used += file.content.used();
}

void volume::release(const node& file) noexcept {
  if (file.opened == 0 && !names.is_linked(file)) used -= file.content.used();
}

// As ext4: the journal is written as a whole, and a file's data needs it for a new name or size.
void volume::sync(node& which, bool data_only) {
  if (!data_only || names.is_new(which) || which.content.is_size_unsynced()) names.sync();
  which.content.synced();
}

void volume::crash() {
  ++crashes;
  if (options.loses_unsynced)
    names.crash(draws);
  else
    names.sync();
  used = 0;
  for (const auto& [number, each] : names.all()) {
    each->opened = 0;
    each->locked_by = nullptr;
    if (options.loses_unsynced)
      each->content.crash(draws);
    else
      each->content.keep_all();
    used += each->content.used();
  }
}

loop_clock::duration volume::latency() { return draws.between(options.least_latency, options.most_latency); }

void volume::describe(const node& which, struct statx& to) const {
  constexpr std::uint64_t block_bytes = 512;
  constexpr std::uint64_t page_bytes = sparse_bytes::page_bytes;
  to = {};
  to.stx_mask = STATX_TYPE | STATX_MODE | STATX_NLINK | STATX_INO | STATX_SIZE | STATX_BLOCKS;
  to.stx_blksize = page_bytes;
  to.stx_nlink = static_cast<std::uint32_t>(names.links(which));
  to.stx_mode = static_cast<std::uint16_t>(which.mode);
  to.stx_ino = which.number;
  to.stx_size = which.is_directory() ? page_bytes : which.content.size();
  const std::uint64_t room = which.is_directory() ? page_bytes : which.content.used();
  to.stx_blocks = (room + page_bytes - 1) / page_bytes * (page_bytes / block_bytes);
}

}  // namespace braid::sim::detail
