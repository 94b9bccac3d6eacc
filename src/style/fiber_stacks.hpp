#pragma once

#include <cstddef>
#include <vector>

#include "braid/base/pinned.hpp"

namespace braid {

class fiber_stacks;

/// A stack for a fiber. Below its bottom is a guard page, so that an overflow traps.
struct fiber_stack {
  char* bottom;
  std::size_t bytes;
  class stack_slab* slab;
};

/// One mapping with room for many stacks of one size, each above a guard page.
///
/// A process may have 65,530 mappings (vm.max_map_count). With one mapping per stack and one per guard, some
/// 32,700 fibers would be the limit. Since Linux 6.13 a guard need not be a mapping (MADV_GUARD_INSTALL); on
/// older kernels it is.
///
/// Lifetime  until its last stack is given back.
/// Threads   one, that of the fiber_stacks that made it.
class stack_slab : pinned {
 public:
  /// Throws std::bad_alloc.
  stack_slab(std::size_t stack_bytes, unsigned stacks);
  ~stack_slab();

  [[nodiscard]] std::size_t stack_bytes() const noexcept { return stack_bytes_; }
  [[nodiscard]] bool is_full() const noexcept { return free_.empty() && fresh_ == stacks_; }
  [[nodiscard]] bool is_empty() const noexcept { return used_ == 0; }
  /// Throws std::bad_alloc if no guard can be installed.
  fiber_stack take();
  void give_back(const fiber_stack& stack) noexcept;

 private:
  const std::size_t stack_bytes_;
  const std::size_t stride_;
  const unsigned stacks_;
  char* memory_;
  unsigned fresh_ = 0;  // the number of stacks that have their guards
  unsigned used_ = 0;
  std::vector<char*> free_;  // bottoms

  // links in the list of slabs that have room
  friend fiber_stacks;
  stack_slab* next_ = nullptr;
  stack_slab** link_ = nullptr;
};

/// The stacks of a thread's fibers. Trivially destructible, because fibers may still be needed after the
/// thread's own objects are gone.
class fiber_stacks {
 public:
  /// stack_bytes must be a multiple of the page size. Throws std::bad_alloc.
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
