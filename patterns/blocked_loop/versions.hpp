#pragma once

#include <array>
#include <string_view>

#include "contract.hpp"
#include "stage/in_style.hpp"

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
future<int> count_yielding(const sheet& seen, stop_token stop);
future<int> count_offloaded(const sheet& seen);
future<int> count_by_crew(const sheet& seen, crew& hands);
}  // namespace futures
namespace coroutines {
task<int> count_at_once(const sheet& seen);
task<int> count_yielding(const sheet& seen, stop_token stop);
task<int> count_naively(const sheet& seen, stop_token stop);
task<int> count_offloaded(const sheet& seen);
task<int> count_by_crew(const sheet& seen, crew& hands);
}  // namespace coroutines
namespace fibers {
int count_yielding(const sheet& seen, stop_token stop);
int count_naively(const sheet& seen, stop_token stop);
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

/// Runs one version to its end, inside a running loop.
inline task<int> count(stage::style how, way by, const sheet& seen, crew& hands) {
  constexpr stage::versions<int(const sheet&)> at_once{.blocking = blocking::count_at_once,
                                                       .coroutine = coroutines::count_at_once};
  constexpr stage::versions<int(const sheet&)> pumping{.blocking = blocking::count_pumping};
  constexpr stage::versions<int(const sheet&, stop_token)> yielding{
      nullptr, callbacks::count_yielding, futures::count_yielding, coroutines::count_yielding,
      fibers::count_yielding};
  constexpr stage::versions<int(const sheet&)> offloaded{
      nullptr, callbacks::count_offloaded, futures::count_offloaded, coroutines::count_offloaded,
      fibers::count_offloaded};
  constexpr stage::versions<int(const sheet&, crew&)> by_crew{
      nullptr, callbacks::count_by_crew, futures::count_by_crew, coroutines::count_by_crew,
      fibers::count_by_crew};
  const stop_token stop = co_await get_stop_token();
  switch (by) {
    case way::at_once: co_return co_await stage::task_in_style(how, at_once, seen);
    case way::pumping: co_return co_await stage::task_in_style(how, pumping, seen);
    case way::yielding: co_return co_await stage::task_in_style(how, yielding, seen, stop);
    case way::offloaded: co_return co_await stage::task_in_style(how, offloaded, seen);
    case way::by_crew: break;
  }
  co_return co_await stage::task_in_style(how, by_crew, seen, hands);
}

}  // namespace blocked_loop
