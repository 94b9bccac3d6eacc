#include "braid/base/detail/nested_call.hpp"

#include <sys/mman.h>

#include <boost/context/detail/fcontext.hpp>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "braid/base/detail/poison.hpp"
#include "braid/base/detail/stack_switch.hpp"
#include "braid/base/detail/transfer_state.hpp"

namespace braid::detail {

namespace context = boost::context::detail;

namespace {

constexpr std::size_t guard_bytes = 64 << 10;  // a multiple of every page size
constexpr std::size_t stack_bytes = 1 << 20;
constexpr std::size_t levels_bytes = stack_bytes / 2;  // the rest is for what the innermost call needs
constexpr std::size_t first_levels_bytes = 8 << 10;  // on a stack of unknown size

// The part of a stack that nested calls may still use; empty outside a nested call.
struct room {
  std::uintptr_t from = 0;
  std::uintptr_t to = 0;
};
constinit thread_local room here{};

struct further_stack {
  further_stack(char* memory, void (*f)(void*), void* a) noexcept
      : function(f), argument(a), annotations(memory + guard_bytes, stack_bytes) {}

  static void entry(context::transfer_t from) {
    auto& self = *static_cast<further_stack*>(from.data);
    self.annotations.entered();
    self.function(self.argument);
    self.annotations.leaving();
    context::jump_fcontext(from.fctx, nullptr);
  }

  void (*function)(void*);
  void* argument;
  stack_switch annotations;
};

// False if no stack can be mapped.
bool call_on_further_stack(void (*function)(void*), void* argument) noexcept {
  constexpr std::size_t mapped = guard_bytes + stack_bytes;
  void* const memory = ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return false;
  if (::mprotect(memory, guard_bytes, PROT_NONE) != 0) {
    ::munmap(memory, mapped);
    return false;
  }
  auto* const bottom = static_cast<char*>(memory);
  char* const top = bottom + mapped;
  {
    further_stack stack(bottom, function, argument);
    const auto begin = reinterpret_cast<std::uintptr_t>(top);
    const room outer = std::exchange(here, {begin - levels_bytes, begin});
    const std::uintptr_t deepest = transfers.deepest;
    if (deepest != 0) transfers.deepest = begin - transfer_state::most_bytes;
    stack.annotations.entering();
    context::jump_fcontext(context::make_fcontext(top, stack_bytes, further_stack::entry), &stack);
    stack.annotations.left();
    transfers.deepest = deepest;
    here = outer;
  }
  unpoison(bottom + guard_bytes, stack_bytes);
  ::munmap(memory, mapped);
  return true;
}

}  // namespace

void nested_call(void (*function)(void*), void* argument) noexcept {
  const auto at = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  if (here.to == 0) {
    here = {at - first_levels_bytes, at};
    function(argument);
    here = {};
  } else if ((at >= here.from && at <= here.to) || !call_on_further_stack(function, argument)) {
    function(argument);
  }
}

}  // namespace braid::detail
