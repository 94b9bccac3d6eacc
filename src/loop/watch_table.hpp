#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "braid/base/pinned.hpp"
#include "braid/loop/operation.hpp"

namespace braid::detail {

/// What a readiness reactor knows of one descriptor number, and who waits for it.
struct descriptor_watch : pinned {
  operation_base::queue readers, writers, pollers;
  std::uint32_t interest = 0;  ///< the events that epoll was told of; 0 while it does not know the descriptor
  std::uint8_t unheeded = 0;  ///< events in a row for which nobody waited
  std::uint8_t skips = 0, backoff = 0;  ///< see epoll_reactor::guess
  bool edge = false;  ///< its events are told once; else as long as they hold
  bool readable = false;  ///< worth a try; told only in interest
  bool writable = false;
  bool doubted = false;  ///< is in the reactor's list of registrations to be verified
  bool was_blocking = false;  ///< a connect that waits has made it nonblocking

  [[nodiscard]] bool has_waiters() const noexcept {
    return !readers.empty() || !writers.empty() || !pollers.empty();
  }
  /// The number means another descriptor from now on, of which nothing is known.
  void reset() noexcept {
    interest = 0;
    unheeded = skips = backoff = 0;
    edge = readable = writable = was_blocking = false;
  }
};

/// The watches by descriptor number. They stay where they are, and are never taken back: a process has no
/// more of them than it ever had descriptors open at once.
class watch_table {
 public:
  /// Null when there is none yet.
  [[nodiscard]] descriptor_watch* find(int descriptor) const noexcept {
    const std::size_t index = static_cast<unsigned>(descriptor) / block_size;
    if (index >= blocks_.size() || blocks_[index] == nullptr) return nullptr;
    return &(*blocks_[index])[static_cast<unsigned>(descriptor) % block_size];
  }
  /// Throws std::bad_alloc. The descriptor is one that is open.
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
