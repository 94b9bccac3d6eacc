#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "braid/sim/choices.hpp"
#include "disk/sparse_bytes.hpp"

namespace braid::sim::detail {

// The content of a file as the page cache shows it, with each change that was not synced, so that a crash can
// undo it. A change keeps the bytes that it replaced; an append replaces none.
class file_content {
 public:
  static constexpr std::uint64_t sector_bytes = 512;  // a device writes a sector as a whole or not at all
  // Limits for unsynced changes and for the bytes kept to undo them. Beyond them the oldest changes are
  // written back, as a kernel does when it has too many dirty pages.
  static constexpr std::size_t most_changes = std::size_t{1} << 14;
  static constexpr std::uint64_t most_replaced_bytes = std::uint64_t{32} << 20;

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] std::uint64_t used() const noexcept { return bytes_.used(); }
  [[nodiscard]] std::size_t fitting(std::uint64_t at, std::size_t size, std::uint64_t room) const {
    return bytes_.fitting(at, size, room);
  }

  // Returns how many bytes it read, at most `size`.
  std::size_t read(std::uint64_t from, void* to, std::size_t size) const;
  void write(std::uint64_t at, const void* bytes, std::size_t size);
  void resize(std::uint64_t size);
  // Replaces the content by these bytes, which are durable.
  void assign(const void* bytes, std::size_t size);

  // True if the size has changed since the last sync.
  [[nodiscard]] bool is_size_unsynced() const noexcept;
  void synced();
  // A failed sync: the kernel considers the bytes written, and no later sync makes them durable unless they
  // are written again.
  void sync_failed() noexcept;
  // Keeps, tears or loses what was not synced, as drawn. Afterwards everything is durable.
  void crash(choices& draws);
  // Makes everything durable.
  void keep_all() noexcept;

 private:
  struct change {
    std::uint64_t from, to;  // the range of bytes it replaced
    std::uint64_t size_before, size_after;
    sparse_bytes replaced;
    bool doubtful = false;  // its sync has failed; such changes are the oldest
    [[nodiscard]] bool resizes() const noexcept { return size_before != size_after; }
    [[nodiscard]] bool cuts() const noexcept { return size_after < size_before; }
  };
  void remember(change made);
  void add_what_stays_doubtful(const change& doubtful, std::size_t synced_from, std::deque<change>& to) const;
  void redo(const change& made, choices& draws);

  sparse_bytes bytes_;  // none past size_
  std::uint64_t size_ = 0;
  std::deque<change> changes_;  // the oldest first
  std::uint64_t replaced_bytes_ = 0;  // the sum of all changes
};

}  // namespace braid::sim::detail
