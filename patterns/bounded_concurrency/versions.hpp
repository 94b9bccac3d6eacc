#pragma once

#include "contract.hpp"
#include "stage/style.hpp"

namespace bounded_concurrency {

namespace blocking {
titles fetch_all(const archive& from, unsigned jobs, unsigned limit);
}
namespace callbacks {
void fetch_all(const archive& from, unsigned jobs, unsigned limit, handler<titles> done);
}
namespace futures {
future<titles> fetch_all(const archive& from, unsigned jobs, unsigned limit);
}
namespace coroutines {
task<titles> fetch_all(const archive& from, unsigned jobs, unsigned limit);
task<titles> fetch_all_by_workers(const archive& from, unsigned jobs, unsigned limit);
}  // namespace coroutines
namespace fibers {
titles fetch_all(const archive& from, unsigned jobs, unsigned limit);
titles fetch_all_by_workers(const archive& from, unsigned jobs, unsigned limit);
}  // namespace fibers

enum class bound { by_semaphore, by_workers };

/// The blocking version is workers in any case: threads.
[[nodiscard]] constexpr bool has(stage::style how, bound by) {
  if (how == stage::style::blocking) return by == bound::by_workers;
  return by == bound::by_semaphore || how == stage::style::coroutine || how == stage::style::fiber;
}

/// Runs one version to its end, on this thread's loop; the blocking one on threads of its own.
inline titles fetch_all(stage::style how, bound by, const archive& from, unsigned jobs,
                        unsigned limit) {
  const bool workers = by == bound::by_workers;
  switch (how) {
    case stage::style::blocking: break;
    case stage::style::callback:
      return run(stage::called_back<titles>(
          [&](handler<titles> done) { callbacks::fetch_all(from, jobs, limit, std::move(done)); }));
    case stage::style::future: return run(futures::fetch_all(from, jobs, limit));
    case stage::style::coroutine:
      return run((workers ? coroutines::fetch_all_by_workers : coroutines::fetch_all)(from, jobs, limit));
    case stage::style::fiber:
      return run(in_fiber(
          [&] { return (workers ? fibers::fetch_all_by_workers : fibers::fetch_all)(from, jobs, limit); }));
  }
  return blocking::fetch_all(from, jobs, limit);
}

}  // namespace bounded_concurrency
