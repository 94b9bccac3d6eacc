#pragma once

#include <coroutine>
#include <memory>
#include <type_traits>

namespace braid::detail {

/// Calls function(argument), which may call nested_call again, to any depth: a call that does not fit on the
/// present stack runs on a further stack. Stop requests, and the destruction of coroutine frames that hold
/// each other, need this: they go from the outside in and must be done before the call returns.
///
/// Threads  any. A fiber that is resumed in between counts as a further stack.
/// Errors   if no stack can be mapped, the call runs on the present one.
/// Cost     two comparisons; a stack of 1 MiB, mapped and unmapped, for each 512 KiB that the calls use.
void nested_call(void (*function)(void*), void* argument) noexcept;

template <class F>
void nested_call(F&& f) noexcept {
  nested_call([](void* argument) { (*static_cast<std::remove_reference_t<F>*>(argument))(); },
              const_cast<void*>(static_cast<const void*>(std::addressof(f))));
}

/// Destroys a coroutine frame that may hold a chain of other frames.
inline void destroy_nested(std::coroutine_handle<> frame) noexcept {
  nested_call([](void* address) { std::coroutine_handle<>::from_address(address).destroy(); },
              frame.address());
}

}  // namespace braid::detail
