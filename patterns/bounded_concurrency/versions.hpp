#pragma once

#include <array>
#include <string_view>

#include "contract.hpp"
#include "stage/style.hpp"

namespace bounded_concurrency {

namespace blocking {
titles fetch_all(const archive& from, unsigned jobs, unsigned limit);
titles fetch_all_by_map(const archive& from, unsigned jobs, unsigned limit);
}  // namespace blocking
namespace callbacks {
void fetch_all(const archive& from, unsigned jobs, unsigned limit, handler<titles> done);
void fetch_all_by_map(const archive& from, unsigned jobs, unsigned limit, handler<titles> done);
}  // namespace callbacks
namespace futures {
future<titles> fetch_all(const archive& from, unsigned jobs, unsigned limit);
future<titles> fetch_all_by_map(const archive& from, unsigned jobs, unsigned limit);
}  // namespace futures
namespace coroutines {
task<titles> fetch_all(const archive& from, unsigned jobs, unsigned limit);
task<titles> fetch_all_by_workers(const archive& from, unsigned jobs, unsigned limit);
task<titles> fetch_all_by_map(const archive& from, unsigned jobs, unsigned limit);
}  // namespace coroutines
namespace fibers {
titles fetch_all(const archive& from, unsigned jobs, unsigned limit);
titles fetch_all_by_workers(const archive& from, unsigned jobs, unsigned limit);
titles fetch_all_by_map(const archive& from, unsigned jobs, unsigned limit);
}  // namespace fibers

/// The way in which the number in flight is limited.
enum class bound { semaphore, workers, map_concurrent };
inline constexpr std::array every_bound{bound::semaphore, bound::workers, bound::map_concurrent};

[[nodiscard]] constexpr std::string_view name_of(bound which) {
  constexpr std::array<std::string_view, 3> names{"semaphore", "workers", "map_concurrent"};
  return names[static_cast<std::size_t>(which)];
}

/// The blocking version by hand uses workers: threads.
[[nodiscard]] constexpr bool has(stage::style how, bound by) {
  if (by == bound::map_concurrent) return true;
  if (how == stage::style::blocking) return by == bound::workers;
  return by == bound::semaphore || how == stage::style::coroutine || how == stage::style::fiber;
}

/// Runs one version to its end, on this thread's loop; the blocking workers have loops of their own.
inline titles fetch_all(stage::style how, bound by, const archive& from, unsigned jobs, unsigned limit) {
  const auto pick = [by](auto& semaphores, auto& workers, auto& map) {
    return by == bound::semaphore ? semaphores : by == bound::workers ? workers : map;
  };
  switch (how) {
    case stage::style::blocking: break;
    case stage::style::callback:
      return run(stage::called_back<titles>([&](handler<titles> done) {
        pick(callbacks::fetch_all, callbacks::fetch_all, callbacks::fetch_all_by_map)(from, jobs, limit,
                                                                                      std::move(done));
      }));
    case stage::style::future:
      return run(pick(futures::fetch_all, futures::fetch_all, futures::fetch_all_by_map)(from, jobs, limit));
    case stage::style::coroutine:
      return run(pick(coroutines::fetch_all, coroutines::fetch_all_by_workers,
                      coroutines::fetch_all_by_map)(from, jobs, limit));
    case stage::style::fiber:
      return run(in_fiber([&] {
        return pick(fibers::fetch_all, fibers::fetch_all_by_workers, fibers::fetch_all_by_map)(from, jobs,
                                                                                               limit);
      }));
  }
  return pick(blocking::fetch_all, blocking::fetch_all, blocking::fetch_all_by_map)(from, jobs, limit);
}

}  // namespace bounded_concurrency
