#pragma once

#include <cstddef>
#include <vector>

#include "braid/base/pinned.hpp"

namespace braid {

class fiber_stacks;

/// A stack for a fiber. What runs past its bottom meets a page that traps.
struct fiber_stack {
  char* bottom;
  std::size_t bytes;
  class stack_slab* slab;
};

/// One mapping with room for many stacks of one size, each above a guard page.
///
/// A mapping of its own for each stack, and one for its guard, would be the end at some 32,700 fibers: a
/// process may have 65,530 (vm.max_map_count). Since Linux 6.13 a guard need not be a mapping
/// (MADV_GUARD_INSTALL); before, it still is.
///
/// Lifetime  until its last stack is given back.
/// Threads   one, that of the fiber_stacks it came from.
class stack_slab : pinned {
 public:
  /// Throws std::bad_alloc.
  stack_slab(std::size_t stack_bytes, unsigned stacks);
  ~stack_slab();

  [[nodiscard]] std::size_t stack_bytes() const noexcept { return stack_bytes_; }
  [[nodiscard]] bool is_full() const noexcept { return free_.empty() && fresh_ == stacks_; }
  [[nodiscard]] bool is_empty() const noexcept { return used_ == 0; }
  /// Throws std::bad_alloc where no guard can be had.
  fiber_stack take();
  void give_back(const fiber_stack& stack) noexcept;

 private:
  const std::size_t stack_bytes_;
  const std::size_t stride_;
  const unsigned stacks_;
  char* memory_;
  unsigned fresh_ = 0;  // so many have their guards
  unsigned used_ = 0;
  std::vector<char*> free_;  // bottoms

  // of the list of those that have room
  friend fiber_stacks;
  stack_slab* next_ = nullptr;
  stack_slab** link_ = nullptr;
};

/// Where a thread's fibers get their stacks. Trivially destructible: fibers may be needed when a thread's own
/// objects are gone already.
class fiber_stacks {
 public:
  /// stack_bytes is a multiple of the page size. Throws std::bad_alloc.
  fiber_stack take(std::size_t stack_bytes);
  void give_back(const fiber_stack& stack) noexcept;

 private:
  static constexpr std::size_t most_slab_bytes = std::size_t{32} << 20;
  void list(stack_slab& slab) noexcept;
  static void unlist(stack_slab& slab) noexcept;

  stack_slab* with_room_ = nullptr;
  unsigned next_stacks_ = 1;  // slabs grow from one stack to 128
};

/// The size of a page.
[[nodiscard]] std::size_t page_bytes() noexcept;

}  // namespace braid
