#include "fiber_stacks.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>

#include "braid/base/detail/poison.hpp"

namespace braid {

namespace {

constexpr int install_guard = 102;  // MADV_GUARD_INSTALL, which older headers lack

bool guard(char* page, std::size_t bytes) noexcept {
  if (::madvise(page, bytes, install_guard) == 0) return true;
  return errno == EINVAL && ::mprotect(page, bytes, PROT_NONE) == 0;  // an older kernel, or locked memory
}

}  // namespace

std::size_t page_bytes() noexcept {
  static const auto bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return bytes;
}

stack_slab::stack_slab(std::size_t stack_bytes, unsigned stacks)
    : stack_bytes_(stack_bytes), stride_(stack_bytes + page_bytes()), stacks_(stacks) {
  free_.reserve(stacks);
  void* const mapped = ::mmap(nullptr, stride_ * stacks_, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  memory_ = static_cast<char*>(mapped);
  ::madvise(memory_, stride_ * stacks_,
            MADV_NOHUGEPAGE);  // a huge page would allocate the neighbours of a stack too
}

stack_slab::~stack_slab() { ::munmap(memory_, stride_ * stacks_); }

fiber_stack stack_slab::take() {
  char* bottom;
  if (free_.empty()) {
    char* const lowest = memory_ + fresh_ * stride_;
    if (!guard(lowest, page_bytes())) throw std::bad_alloc();
    ++fresh_;
    bottom = lowest + page_bytes();
  } else {
    bottom = free_.back();
    free_.pop_back();
  }
  ++used_;
  return {bottom, stack_bytes_, this};
}

// Clears AddressSanitizer's marks on the stack, which would otherwise trap the memory's next user.
void stack_slab::give_back(const fiber_stack& stack) noexcept {
  detail::unpoison(stack.bottom, stack_bytes_);
  ::madvise(stack.bottom, stack_bytes_, MADV_DONTNEED);
  free_.push_back(stack.bottom);
  --used_;
}

fiber_stack fiber_stacks::take(std::size_t stack_bytes) {
  for (stack_slab* each = with_room_; each != nullptr; each = each->next_) {
    if (each->stack_bytes() != stack_bytes) continue;
    const fiber_stack taken = each->take();
    if (each->is_full()) unlist(*each);
    return taken;
  }
  const std::size_t fit = most_slab_bytes / stack_bytes;
  const auto stacks = static_cast<unsigned>(std::clamp<std::size_t>(fit, 1, next_stacks_));
  auto* made = new stack_slab(stack_bytes, stacks);
  next_stacks_ = std::min(next_stacks_ * 2, 128U);
  list(*made);
  try {
    const fiber_stack taken = made->take();
    if (made->is_full()) unlist(*made);
    return taken;
  } catch (...) {
    unlist(*made);
    delete made;
    throw;
  }
}

void fiber_stacks::give_back(const fiber_stack& stack) noexcept {
  stack_slab& slab = *stack.slab;
  const bool was_full = slab.is_full();
  slab.give_back(stack);
  if (slab.is_empty()) {
    if (!was_full) unlist(slab);
    delete &slab;
  } else if (was_full) {
    list(slab);
  }
}

void fiber_stacks::list(stack_slab& slab) noexcept {
  slab.next_ = with_room_;
  slab.link_ = &with_room_;
  if (with_room_ != nullptr) with_room_->link_ = &slab.next_;
  with_room_ = &slab;
}

void fiber_stacks::unlist(stack_slab& slab) noexcept {
  *slab.link_ = slab.next_;
  if (slab.next_ != nullptr) slab.next_->link_ = slab.link_;
}

}  // namespace braid
