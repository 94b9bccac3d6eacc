#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

#include "braid/combine/with_timeout.hpp"
#include "braid/loop/clock.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/async_range.hpp"
#include "braid/style/task.hpp"

/// Ranges and consumers for the tests of stream operators.
namespace braid_tests {

/// An element and its time, in milliseconds.
struct arrival {
  int at_ms;
  int value;
  friend bool operator==(const arrival&, const arrival&) = default;
};

[[nodiscard]] inline int now_ms() {
  return static_cast<int>(braid::loop_clock::now().time_since_epoch() / std::chrono::milliseconds(1));
}

/// Gives elements at given times, then ends or fails. A cancelled next() loses no element.
class timed_range {
 public:
  timed_range(std::vector<arrival> elements, int end_ms, const char* failure = nullptr)
      : elements_(std::move(elements)), end_ms_(end_ms), failure_(failure) {}

  [[nodiscard]] braid::task<std::optional<int>> next() {
    co_await braid::sleep_until(at(given_ < elements_.size() ? elements_[given_].at_ms : end_ms_));
    if (given_ < elements_.size()) co_return elements_[given_++].value;
    if (failure_ != nullptr) throw std::runtime_error(failure_);
    co_return std::nullopt;
  }

 private:
  static braid::loop_clock::time_point at(int ms) {
    return braid::loop_clock::time_point(std::chrono::milliseconds(ms));
  }
  std::vector<arrival> elements_;
  int end_ms_;
  const char* failure_;
  std::size_t given_ = 0;
};
static_assert(braid::async_range<timed_range>);

/// All elements of a range.
template <braid::async_range Range>
braid::task<std::vector<braid::async_range_value_t<Range>>> all(Range range) {
  std::vector<braid::async_range_value_t<Range>> seen;
  while (auto each = co_await range.next()) seen.push_back(*std::move(each));
  co_return seen;
}

/// All elements of a range of int with their times.
template <braid::async_range Range>
braid::task<std::vector<arrival>> all_timed(Range range) {
  std::vector<arrival> seen;
  while (const auto each = co_await range.next()) seen.push_back({now_ms(), *each});
  co_return seen;
}

/// All elements of a range, up to its end or its failure. Most of its next() are cut short at random times
/// and asked again at once.
template <braid::async_range Range>
braid::task<std::vector<braid::async_range_value_t<Range>>> all_with_interruptions(Range range,
                                                                                   std::mt19937_64& random,
                                                                                   bool interrupt) {
  std::vector<braid::async_range_value_t<Range>> seen;
  for (;;) {
    const std::chrono::microseconds most(interrupt ? 1 + random() % 4'000 : 1'000'000'000);
    auto next = co_await braid::as_result(braid::with_timeout(range.next(), most));
    if (!next && next.error() == std::errc::timed_out) continue;
    if (!next || !*next) co_return seen;
    seen.push_back(**std::move(next));
  }
}

}  // namespace braid_tests
