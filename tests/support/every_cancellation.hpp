#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include "braid/base/unique_function.hpp"
#include "braid/core/sender.hpp"
#include "braid/style/task.hpp"

/// Cancel at every await: runs a program again and again, and stops it at another suspension each time.
///
///   every_cancellation([]() -> task<> { channel<int> numbers(1); co_await when_all(sends(numbers), …); });
///
/// A suspension is a step of a loop that does one thing a turn. The program makes all that it uses itself, so
/// that each run is a new one. Its second sweep ends the loop there instead of requesting stop.
///
/// Checked are: it is told once, and before the loop runs out of work; what it fails with is a cancellation,
/// unless it may fail otherwise; nobody misses an error; the second time all is done, on a thread of its own,
/// no more memory is in use than after the first. What AddressSanitizer sees (leaks, use after free, a buffer
/// in flight) comes on top. Then the program runs without memory: see every_allocation.
namespace braid_tests {

enum class may_fail { with_cancellation_only, with_anything };

namespace detail {
std::size_t every_cancellation(braid::unique_function<braid::task<>()> program, may_fail how,
                               bool without_memory);
}  // namespace detail

/// How many suspensions the program has. The program is a function that returns a sender; it succeeds when it
/// is let.
template <braid::sender_factory Program>
std::size_t every_cancellation(Program program, may_fail how = may_fail::with_cancellation_only) {
  if constexpr (std::is_same_v<std::invoke_result_t<Program&>, braid::task<>>) {
    return detail::every_cancellation(std::move(program), how, true);
  } else {
    const auto awaits = [&program]() -> braid::task<> { (void)co_await program(); };
    return detail::every_cancellation(awaits, how, true);
  }
}
/// The same, always with memory: for a program whose parts talk over the network, where the lack of one is a
/// connection reset to the other.
inline std::size_t every_cancellation_with_memory(braid::unique_function<braid::task<>()> program) {
  return detail::every_cancellation(std::move(program), may_fail::with_cancellation_only, false);
}

}  // namespace braid_tests
