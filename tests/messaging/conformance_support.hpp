#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <system_error>
#include <utility>

#include "braid/messaging/queue.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/task.hpp"

// What the cases of conformance.hpp share.
namespace braid_tests {

/// The code of the error with which an operation fails; none if it succeeds.
template <class T>
braid::task<std::error_code> failure_of(braid::task<T> what) {
  auto trying = braid::as_result(std::move(what));
  const braid::result<T> done = co_await std::move(trying);
  co_return done ? std::error_code() : done.error().code();
}

/// Asks again until it holds.
[[nodiscard]] braid::task<> eventually(const std::function<braid::task<bool>()>& holds);

/// The state and the counts of the group "all".
[[nodiscard]] braid::task<braid::messaging::group_metrics> counts_of(const braid::messaging::queue& in);

/// Receives a message of the group "all" and acknowledges it. A sender of its body.
[[nodiscard]] braid::task<std::string> take_one(braid::messaging::queue& from);

/// A queue with the group "all".
[[nodiscard]] braid::task<braid::messaging::queue> open_with_all(
    const std::function<braid::task<braid::messaging::queue>(braid::messaging::queue_options)>& opens,
    braid::messaging::group_options how = {}, braid::messaging::queue_options options = {});

}  // namespace braid_tests
