#include "braid/base/frame_pool.hpp"

#include <algorithm>
#include <utility>

#include "braid/base/poison.hpp"

namespace braid {

// Its destructor is what empties the pool at the end of the thread; built when the pool is opened.
struct frame_pool_cleaner {
  ~frame_pool_cleaner() { frame_pool::release_all(); }
  bool exists = false;
};

namespace {
thread_local bool thread_ended = false;  // trivially destructible: readable after the cleaner is gone
thread_local bool thread_began = false;
thread_local frame_pool_cleaner cleaner;
}  // namespace

// Opens every list of a thread that has none open. Under AddressSanitizer all stay closed.
bool frame_pool::open() noexcept {
  if (thread_began || thread_ended || poisons()) return false;
  thread_began = true;
  cleaner.exists = true;  // from here on its destructor will run
  for (auto& lists : lists_)
    for (std::size_t i = 0; i < classes; ++i)
      lists[i].room = std::max<std::size_t>(kept_bytes / size_of(i), 2);
  return true;
}

// The whole class's size where the block may be recycled; else the exact size, past which AddressSanitizer
// lets nobody write.
void* frame_pool::refill(std::size_t size, bool aligned) {
  open();
  return from_heap(poisons() ? size : size_of(class_of(size)), aligned ? line : usual_alignment);
}

void frame_pool::overflow(void* address, std::size_t size, bool aligned) noexcept {
  const std::align_val_t alignment = aligned ? line : usual_alignment;
  if (open()) return deallocate(address, size, alignment);  // a thread that only frees recycles too
  to_heap(address, alignment);
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
    for (list& each : lists_[aligned]) {
      each.room = 0;
      while (each.first != nullptr)
        to_heap(std::exchange(each.first, each.first->next), aligned ? line : usual_alignment);
    }
  }
}

}  // namespace braid
