#pragma once

#include <array>
#include <string_view>

#include "contract.hpp"
#include "stage/style.hpp"

namespace blocked_loop {

namespace blocking {
int count_at_once(const sheet& seen);
int count_pumping(const sheet& seen);
}  // namespace blocking
namespace callbacks {
void count_yielding(const sheet& seen, stop_token stop, handler<int> done);
void count_offloaded(const sheet& seen, handler<int> done);
void count_by_crew(const sheet& seen, crew& hands, handler<int> done);
}  // namespace callbacks
namespace futures {
future<int> count_yielding(const sheet& seen);
future<int> count_offloaded(const sheet& seen);
future<int> count_by_crew(const sheet& seen, crew& hands);
}  // namespace futures
namespace coroutines {
task<int> count_at_once(const sheet& seen);
task<int> count_yielding(const sheet& seen);
task<int> count_naively(const sheet& seen);
task<int> count_offloaded(const sheet& seen);
task<int> count_by_crew(const sheet& seen, crew& hands);
}  // namespace coroutines
namespace fibers {
int count_yielding(const sheet& seen);
int count_naively(const sheet& seen);
int count_offloaded(const sheet& seen);
int count_by_crew(const sheet& seen, crew& hands);
}  // namespace fibers

/// What else runs during the computation, and where the computation runs.
enum class way { at_once, pumping, yielding, offloaded, by_crew };
inline constexpr std::array every_way{way::at_once, way::pumping, way::yielding, way::offloaded,
                                      way::by_crew};

[[nodiscard]] constexpr std::string_view name_of(way which) {
  constexpr std::array<std::string_view, 5> names{"at once", "pumping", "yield", "offload", "crew"};
  return names[static_cast<std::size_t>(which)];
}

/// A blocking call can only block the loop, or run it itself; a coroutine that awaits nothing is such a call.
[[nodiscard]] constexpr bool has(stage::style how, way by) {
  if (by == way::at_once) return how == stage::style::blocking || how == stage::style::coroutine;
  return (by == way::pumping) == (how == stage::style::blocking);
}

namespace detail {

inline task<int> count_called_back(way by, const sheet& seen, crew& hands) {
  const stop_token stop = co_await get_stop_token();
  co_return co_await stage::called_back<int>([&](handler<int> done) {
    if (by == way::yielding) return callbacks::count_yielding(seen, stop, std::move(done));
    if (by == way::offloaded) return callbacks::count_offloaded(seen, std::move(done));
    callbacks::count_by_crew(seen, hands, std::move(done));
  });
}

}  // namespace detail

/// Runs one version to its end, inside a running loop.
inline task<int> count(stage::style how, way by, const sheet& seen, crew& hands) {
  switch (how) {
    case stage::style::blocking: break;
    case stage::style::callback: co_return co_await detail::count_called_back(by, seen, hands);
    case stage::style::future:
      if (by == way::yielding) co_return co_await futures::count_yielding(seen);
      if (by == way::offloaded) co_return co_await futures::count_offloaded(seen);
      co_return co_await futures::count_by_crew(seen, hands);
    case stage::style::coroutine:
      if (by == way::at_once) co_return co_await coroutines::count_at_once(seen);
      if (by == way::yielding) co_return co_await coroutines::count_yielding(seen);
      if (by == way::offloaded) co_return co_await coroutines::count_offloaded(seen);
      co_return co_await coroutines::count_by_crew(seen, hands);
    case stage::style::fiber:
      co_return co_await in_fiber([&, by] {
        if (by == way::yielding) return fibers::count_yielding(seen);
        if (by == way::offloaded) return fibers::count_offloaded(seen);
        return fibers::count_by_crew(seen, hands);
      });
  }
  co_return (by == way::pumping ? blocking::count_pumping : blocking::count_at_once)(seen);
}

}  // namespace blocked_loop
