#pragma once

#include <chrono>
#include <stdexcept>

#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/task.hpp"

/// Operations for the tests of joins.
namespace braid_tests {

/// Completes with the value one turn later.
inline braid::task<int> later(int value) {
  co_await braid::yield();
  co_return value;
}
/// Fails with a std::runtime_error one turn later.
inline braid::task<int> fails(const char* what) {
  co_await braid::yield();
  throw std::runtime_error(what);
}
/// Sleeps until it is cancelled, and counts that.
inline braid::task<> sleeps(int& cancelled) {
  const auto slept = co_await braid::as_result(braid::sleep_for(std::chrono::hours(1)));
  cancelled += !slept && slept.error() == std::errc::operation_canceled;
  co_await braid::yield();  // does not end at once: the join must wait for it
  slept.value();
}

}  // namespace braid_tests
