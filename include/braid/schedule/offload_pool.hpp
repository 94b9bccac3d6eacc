#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include "braid/base/pinned.hpp"
#include "braid/core/detail/argument_sender.hpp"
#include "braid/loop/clock.hpp"
#include "braid/loop/detail/pool_threads.hpp"
#include "braid/schedule/detail/abandonable_state.hpp"
#include "braid/schedule/detail/offload_call.hpp"
#include "braid/schedule/detail/offload_state.hpp"

namespace braid {

/// What an offload_pool does with a function for which its queue has no room: it fails the operation with
/// errc::queue_full, or lets it wait like those in the queue.
///
///     offload_pool patient({.name = "patient", .threads = 1, .when_full = full_queue::wait});
enum class full_queue : std::uint8_t { refuse, wait };

/// The size of an offload_pool.
///
///     const offload_pool_options few{.name = "mail", .threads = 2, .queue = 100};
///     offload_pool mailers(few);
struct offload_pool_options {
  std::string_view name = "offload";  ///< of the threads, cut to 15 characters, and in errors
  std::size_t threads = 4;  ///< how many functions run at once, 1 to 1024
  std::size_t queue = 1024;  ///< how many more functions may wait
  full_queue when_full = full_queue::refuse;
};
static_assert(std::is_trivially_copyable_v<offload_pool_options>);

/// The figures of an offload_pool. Times in a queue are those of functions that have begun.
///
///     offload_pool compressors({.name = "compress"});
///     const offload_pool_metrics now = compressors.metrics();
///     if (now.begun != 0) use(now.total_queue_time / now.begun, now.longest_queue_time);
struct offload_pool_metrics {
  std::size_t threads = 0;  ///< that exist
  std::size_t running = 0;  ///< functions that run, the abandoned ones too
  std::size_t abandoned = 0;  ///< functions that run although their operation has ended
  std::size_t queued = 0;  ///< functions that wait for a thread
  std::uint64_t begun = 0;  ///< functions that have begun so far
  std::uint64_t refused = 0;  ///< functions for which the queue had no room
  loop_clock::duration longest_queue_time{};
  loop_clock::duration total_queue_time{};
};

/// Threads and a queue of the program's own, for functions that block for long or must not run many at once.
/// So they keep nothing else from the blocking pool.
///
///     offload_pool compressors({.name = "compress", .threads = 2, .queue = 64});
///     const auto compress = [](const std::string& page) { return page.substr(0, page.size() / 2); };
///     log(co_await compressors.run(compress, co_await fetch("page")));
///
/// A function keeps its thread until it returns, whether it works or waits. One that waited for another
/// function of the same pool could wait for its own thread, so run fails there, as
/// std::errc::resource_deadlock_would_occur.
///
/// Lifetime  outlives its operations; see the destructor. A static pool makes std::exit wait for its
///           functions, but for abandonable ones. A forked child has threads of its own; the parent's
///           functions do not run there.
/// Threads   any; one pool may serve several loops. Its threads start when they are needed and end with the
///           pool. They have its name, and block all signals but those of a fault. In a simulation the
///           functions run on the one thread, in no time.
/// Errors    the constructor throws std::invalid_argument for a number of threads that is not from 1 to 1024.
class offload_pool : pinned {
 public:
  explicit offload_pool(const offload_pool_options& how = {});
  /// Functions that have not begun do not run, and their operations end as cancelled. Waits for those that
  /// run, but abandons those of run_abandonable. Does not ask them to stop: stop their operations before.
  ~offload_pool() = default;

  /// A sender that runs f(arguments...) like offload, on one of the pool's threads.
  ///
  /// Errors  f's; errc::queue_full; std::errc::resource_unavailable_try_again if the pool has no thread and
  ///         the system none left.
  /// Cancel  as offload. An f that waits leaves the queue, and makes room for another one.
  /// Cost    as offload, and two readings of the clock.
  template <class F, class... Arguments>
    requires detail::offloadable<std::decay_t<F>, std::decay_t<Arguments>...>
  [[nodiscard]] auto run(F&& f, Arguments&&... arguments) {
    using value = detail::offloaded_value<std::decay_t<F>, std::decay_t<Arguments>...>;
    auto call = detail::keep_arguments(std::forward<F>(f), std::forward<Arguments>(arguments)...);
    return detail::argument_sender<detail::offload_state, value, detail::offload_place, decltype(call)>{
        {{&threads_, "offload_pool::run"}}, {std::move(call)}};
  }
  /// A sender that runs f(arguments...) like offload_abandonable, on one of the pool's threads. An abandoned
  /// function keeps its thread until it ends: the number of threads stays a bound.
  template <class F, class... Arguments>
    requires detail::offloadable<std::decay_t<F>, std::decay_t<Arguments>...>
  [[nodiscard]] auto run_abandonable(F&& f, Arguments&&... arguments) {
    using value = detail::offloaded_value<std::decay_t<F>, std::decay_t<Arguments>...>;
    auto call = detail::keep_owned(std::forward<F>(f), std::forward<Arguments>(arguments)...);
    return detail::argument_sender<detail::abandonable_state, value, detail::offload_place, decltype(call)>{
        {{&threads_, "offload_pool::run_abandonable"}}, {std::move(call)}};
  }

  /// Threads  any.
  [[nodiscard]] offload_pool_metrics metrics();

 private:
  detail::pool_owner threads_;
};

}  // namespace braid
