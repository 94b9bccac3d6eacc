#include "braid/base/frame_pool.hpp"

#include <algorithm>

namespace braid {

// Its destructor is what empties the pool at the end of the thread; built at the thread's first miss.
struct frame_pool_cleaner {
  ~frame_pool_cleaner() { frame_pool::release_all(); }
  bool ended = false;
};

namespace {
thread_local bool thread_ended = false;  // trivially destructible: readable after the cleaner is gone
thread_local frame_pool_cleaner cleaner;
}  // namespace

void* frame_pool::refill(std::size_t index) {
  if (lists_[index].capacity == 0 && !thread_ended) {
    cleaner.ended = false;  // touches it, so that it exists
    const std::size_t fitting = std::max<std::size_t>(kept_bytes / size_of(index), 2);
    lists_[index].capacity = static_cast<std::uint32_t>(fitting);
  }
  return ::operator new(size_of(index));
}

void frame_pool::overflow(void* address, std::size_t index) noexcept {
  if (lists_[index].capacity != 0 || thread_ended) return ::operator delete(address);
  // A thread that only frees (a consumer of another thread's frames) recycles too.
  cleaner.ended = false;
  lists_[index].capacity =
      static_cast<std::uint32_t>(std::max<std::size_t>(kept_bytes / size_of(index), 2));
  deallocate(address, size_of(index));
}

void frame_pool::release_all() noexcept {
  thread_ended = true;
  for (list& each : lists_) {
    each.capacity = 0;
    while (each.first != nullptr) {
      block* next = each.first->next;
      ::operator delete(each.first);
      each.first = next;
    }
    each.length = 0;
  }
}

}  // namespace braid
