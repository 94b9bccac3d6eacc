#pragma once

#include <coroutine>
#include <memory>
#include <type_traits>

namespace braid::detail {

/// Calls function(argument), which may come back here any number of levels deep: what has no room on the
/// present stack runs on a further one. For what must be done from the outside in, before the call returns: a
/// stop request, and the end of coroutine frames that hold each other.
///
/// Threads  any. A fiber that is resumed in between counts as a further stack.
/// Errors   where no stack can be mapped the call nests on the present one.
/// Cost     two comparisons; a stack of 1 MiB, mapped and unmapped, for each 512 KiB that the levels take.
void nested_call(void (*function)(void*), void* argument) noexcept;

template <class F>
void nested_call(F&& f) noexcept {
  nested_call([](void* argument) { (*static_cast<std::remove_reference_t<F>*>(argument))(); },
              const_cast<void*>(static_cast<const void*>(std::addressof(f))));
}

/// Destroys a coroutine that may hold another one, and that one another.
inline void destroy_nested(std::coroutine_handle<> frame) noexcept {
  nested_call([](void* address) { std::coroutine_handle<>::from_address(address).destroy(); },
              frame.address());
}

}  // namespace braid::detail
