#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "braid/base/pinned.hpp"
#include "braid/loop/operation.hpp"

namespace braid::detail {

/// The readiness reactor's record of one descriptor number, with the requests that wait for it.
struct descriptor_watch : pinned {
  operation_base::queue readers, writers, pollers;
  std::uint32_t interest = 0;  ///< the registered events; 0 while the descriptor is not registered
  std::uint8_t unheeded = 0;  ///< events in a row that led nowhere
  std::uint8_t skips = 0, backoff = 0;  ///< see epoll_reactor::guess
  bool edge = false;  ///< edge-triggered; otherwise level-triggered
  bool readable = false;  ///< a read is worth a try; known only for registered events
  bool writable = false;
  bool doubted = false;  ///< is in the reactor's list of registrations to verify
  bool was_blocking = false;  ///< a waiting connect has set O_NONBLOCK, which must be cleared again

  [[nodiscard]] bool has_waiters() const noexcept {
    return !readers.empty() || !writers.empty() || !pollers.empty();
  }
  /// The number belongs to another descriptor from now on, of which nothing is known.
  void reset() noexcept {
    interest = 0;
    unheeded = skips = backoff = 0;
    edge = readable = writable = was_blocking = false;
  }
};

/// The watches by descriptor number. They stay at their addresses and are never freed: their number is
/// bounded by the highest descriptor number that was in use.
class watch_table {
 public:
  /// Null when the number has no watch yet.
  [[nodiscard]] descriptor_watch* find(int descriptor) const noexcept {
    const std::size_t index = static_cast<unsigned>(descriptor) / block_size;
    if (index >= blocks_.size() || blocks_[index] == nullptr) return nullptr;
    return &(*blocks_[index])[static_cast<unsigned>(descriptor) % block_size];
  }
  /// Throws std::bad_alloc. The descriptor must be open.
  [[nodiscard]] descriptor_watch& at(int descriptor) {
    const std::size_t index = static_cast<unsigned>(descriptor) / block_size;
    if (index >= blocks_.size()) blocks_.resize(index + 1);
    if (blocks_[index] == nullptr) blocks_[index] = std::make_unique<block>();
    return (*blocks_[index])[static_cast<unsigned>(descriptor) % block_size];
  }
  /// f(descriptor, watch) for each.
  template <class F>
  void for_each(F f) {
    for (std::size_t index = 0; index < blocks_.size(); ++index)
      if (blocks_[index] != nullptr)
        for (std::size_t n = 0; n < block_size; ++n)
          f(static_cast<int>(index * block_size + n), (*blocks_[index])[n]);
  }

 private:
  static constexpr std::size_t block_size = 64;
  using block = std::array<descriptor_watch, block_size>;
  std::vector<std::unique_ptr<block>> blocks_;
};

}  // namespace braid::detail
