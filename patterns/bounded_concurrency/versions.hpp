#pragma once

#include <array>
#include <string_view>

#include "contract.hpp"
#include "stage/in_style.hpp"

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

/// The blocking version by hand uses workers: threads, which have loops of their own.
[[nodiscard]] constexpr auto versions_of(bound by) {
  using versions = stage::versions<titles(const archive&, unsigned, unsigned)>;
  constexpr std::array<versions, 3> all{
      versions{nullptr, callbacks::fetch_all, futures::fetch_all, coroutines::fetch_all, fibers::fetch_all},
      versions{blocking::fetch_all, nullptr, nullptr, coroutines::fetch_all_by_workers,
               fibers::fetch_all_by_workers},
      versions{blocking::fetch_all_by_map, callbacks::fetch_all_by_map, futures::fetch_all_by_map,
               coroutines::fetch_all_by_map, fibers::fetch_all_by_map}};
  return all[static_cast<std::size_t>(by)];
}

/// Runs one version to its end on this thread's loop.
inline titles fetch_all(stage::style how, bound by, const archive& from, unsigned jobs, unsigned limit) {
  return stage::in_style(how, versions_of(by), from, jobs, limit);
}

}  // namespace bounded_concurrency
