#include "braid/base/detail/frame_pool.hpp"

#include <algorithm>
#include <cstdint>
#include <new>
#include <utility>

#include "braid/base/detail/poison.hpp"

namespace braid::detail {

// Empties the pool at the end of the thread. It is constructed when the pool opens.
struct frame_pool_cleaner {
  ~frame_pool_cleaner() { frame_pool::release_all(); }
  bool exists = false;
};

namespace {
thread_local bool thread_ended = false;  // trivially destructible: readable after the cleaner is gone
thread_local bool thread_began = false;
thread_local frame_pool_cleaner cleaner;
}  // namespace

// Opens all lists of this thread. Under AddressSanitizer they stay closed.
bool frame_pool::open() noexcept {
  if (thread_ended || poisons()) return false;
  thread_began = true;
  cleaner.exists = true;  // from here on its destructor will run
  for (auto& lists : lists_)
    for (std::size_t i = 0; i < classes; ++i)
      lists[i].room = std::max<std::size_t>(kept_bytes / size_of(i), 2);
  return true;
}

namespace {

// A piece of the heap with an aligned block in it. The block's offset in the piece is stored behind the
// block: that takes no more room than the heap's own aligned allocation, and half the instructions.
struct piece {
  static std::size_t bytes_for(std::size_t block_size) noexcept {
    return block_size + line_of(block_size) - __STDCPP_DEFAULT_NEW_ALIGNMENT__ + sizeof(std::size_t);
  }
  static void* block_in(void* begin, std::size_t block_size) noexcept {
    const std::size_t shift = -reinterpret_cast<std::uintptr_t>(begin) % line_of(block_size);
    char* const block = static_cast<char*>(begin) + shift;
    new (block + block_size) std::size_t(shift);
    return block;
  }
  static void* begin_of(void* block, std::size_t block_size) noexcept {
    auto* const address = static_cast<char*>(block);
    return address - *std::launder(reinterpret_cast<std::size_t*>(address + block_size));
  }

 private:
  static std::size_t line_of(std::size_t block_size) noexcept { return block_size % 64 == 0 ? 64 : 32; }
};

}  // namespace

// A block that may be recycled has the size of its class. Without recycling it has the exact size, so that
// AddressSanitizer catches a write past it.
void* frame_pool::refill(std::size_t size, std::size_t of_class) {
  if (!thread_began && !open() && poisons()) return ::operator new(size);
  return ::operator new(of_class);
}

void* frame_pool::refill_aligned(std::size_t size, std::size_t of_class) {
  if (!thread_began && !open() && poisons()) return ::operator new(size, line);
  return piece::block_in(::operator new(piece::bytes_for(of_class)), of_class);
}

// A thread that only frees blocks opens its lists here.
void frame_pool::overflow(void* address, std::size_t size) noexcept {
  if (!thread_began && open()) return deallocate(address, size);
  ::operator delete(address);
}

void frame_pool::overflow_aligned(void* address, std::size_t of_class) noexcept {
  if (!thread_began && open()) return deallocate(address, of_class, std::align_val_t{32});
  if (poisons()) return ::operator delete(address, line);
  ::operator delete(piece::begin_of(address, of_class));
}

void* frame_pool::from_heap(std::size_t size, std::align_val_t alignment) {
  return alignment > usual_alignment ? ::operator new(size, alignment) : ::operator new(size);
}

void frame_pool::to_heap(void* address, std::align_val_t alignment) noexcept {
  if (alignment > usual_alignment)
    ::operator delete(address, alignment);
  else
    ::operator delete(address);
}

void frame_pool::release_all() noexcept {
  thread_ended = true;
  for (const bool aligned : {false, true}) {
    for (std::size_t i = 0; i < classes; ++i) {
      list& each = lists_[aligned][i];
      each.room = 0;
      while (each.first != nullptr) {
        block* const one = std::exchange(each.first, each.first->next);
        ::operator delete(aligned ? piece::begin_of(one, aligned_size_of(i)) : one);
      }
    }
  }
}

}  // namespace braid::detail
