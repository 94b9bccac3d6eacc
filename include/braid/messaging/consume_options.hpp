#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

#include "braid/loop/clock.hpp"

namespace braid::messaging {

/// How queue::consume calls its handler.
///
///     const messaging::consume_options how{.concurrency = 8, .time_limit = 1min};
///     const auto handle = [](messaging::delivery& job) -> task<> { log(co_await fetch(job.body())); };
///     co_await jobs.consume("thumbnails", handle, how);
struct consume_options {
  int concurrency = 1;  ///< so many handlers run at a time
  loop_clock::duration time_limit{};  ///< a handler that takes longer is cancelled, and has failed; 0: none
  /// After the nth failure the message waits for a random time up to base * 2^(n-1), and up to cap.
  loop_clock::duration base = std::chrono::seconds(1), cap = std::chrono::minutes(5);
  std::optional<std::uint64_t> seed{};  ///< makes the waits the same in every run
};

/// Which dead letters queue::redrive and queue::purge take: those that all of its fields ask for.
///
///     const messaging::dead_letter_filter these{.reason = "timed out", .at_most = 100, .per_second = 10};
///     co_await jobs.redrive("thumbnails", these);
///
/// Lifetime  the texts stay alive until the operation has ended.
struct dead_letter_filter {
  std::uint64_t id = 0;  ///< this message only, unless it is 0
  std::string_view key{};  ///< messages of this key only, unless it is empty
  std::string_view reason{};  ///< those with this text in a reason
  std::size_t at_most = ~std::size_t{0};
  double per_second = 0;  ///< so many a second; 0: all at once
};
// g++ 12 copies an aggregate that is written in place inside a co_await expression byte by byte.
static_assert(std::is_trivially_copyable_v<consume_options> &&
              std::is_trivially_copyable_v<dead_letter_filter>);

}  // namespace braid::messaging
