#include "braid/base/frame_pool.hpp"

#include <algorithm>

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

// Opens every list of a thread that has none open.
bool frame_pool::open() noexcept {
  if (thread_began || thread_ended) return false;
  thread_began = true;
  cleaner.exists = true;  // from here on its destructor will run
  for (std::size_t i = 0; i < classes; ++i)
    lists_[i].room = std::max<std::size_t>(kept_bytes / size_of(i), 2);
  return true;
}

void* frame_pool::refill(std::size_t index) {
  open();
  return ::operator new(size_of(index));
}

void frame_pool::overflow(void* address, std::size_t index) noexcept {
  if (open()) return deallocate(address, size_of(index));  // a thread that only frees recycles too
  ::operator delete(address);
}

void frame_pool::release_all() noexcept {
  thread_ended = true;
  for (list& each : lists_) {
    each.room = 0;
    while (each.first != nullptr) {
      block* next = each.first->next;
      ::operator delete(each.first);
      each.first = next;
    }
  }
}

}  // namespace braid
