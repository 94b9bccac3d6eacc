#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include "braid/base/unique_function.hpp"
#include "braid/core/sender.hpp"
#include "braid/style/task.hpp"

/// Cancels at every await: runs a program again and again, and requests stop at another suspension each time.
///
///    every_cancellation([]() -> task<> { channel<int> numbers(1); co_await when_all(sends(numbers), …); });
///
/// A suspension is a step of a loop that does one thing a turn. The program must make all objects that it
/// uses, so that each run starts anew. The second sweep ends the loop at each suspension instead.
///
/// Checks that the program finishes once, before its loop runs out of work; that it fails only with a
/// cancellation, unless it may fail otherwise; that no error is unhandled; and that a repetition on another
/// thread leaves no more memory in use. AddressSanitizer adds its own checks (leaks, use after free, a buffer
/// in flight). Then the program runs without memory: see every_allocation.
namespace braid_tests {

enum class may_fail { with_cancellation_only, with_anything };

namespace detail {
std::size_t every_cancellation(braid::unique_function<braid::task<>()> program, may_fail how,
                               bool without_memory);
}  // namespace detail

/// Returns how many suspensions the program has. The program is a function that returns a sender, which must
/// succeed when nothing stops it.
template <braid::sender_factory Program>
std::size_t every_cancellation(Program program, may_fail how = may_fail::with_cancellation_only) {
  if constexpr (std::is_same_v<std::invoke_result_t<Program&>, braid::task<>>) {
    return detail::every_cancellation(std::move(program), how, true);
  } else {
    const auto awaits = [&program]() -> braid::task<> { (void)co_await program(); };
    return detail::every_cancellation(awaits, how, true);
  }
}
/// The same, but always with memory: for programs whose parts talk over the network. There one part's lack of
/// memory is a connection reset for the other.
inline std::size_t every_cancellation_with_memory(braid::unique_function<braid::task<>()> program) {
  return detail::every_cancellation(std::move(program), may_fail::with_cancellation_only, false);
}

}  // namespace braid_tests
