#pragma once

#include "contract.hpp"
#include "stage/style.hpp"

namespace error_boundaries {

namespace blocking {
settings load(const places& from, error_log& log);
}
namespace callbacks {
void load(const places& from, error_log& log, handler<settings> done);
void load_naively(const places& from, error_log& log, handler<settings> done);
}  // namespace callbacks
namespace futures {
future<settings> load(const places& from, error_log& log);
future<settings> load_naively(const places& from, error_log& log);
}  // namespace futures
namespace coroutines {
task<settings> load(const places& from, error_log& log);
task<settings> load_naively(const places& from, error_log& log);
void refresh(const places& from, settings& now, error_log& log);
}  // namespace coroutines
namespace fibers {
settings load(const places& from, error_log& log);
settings load_naively(const places& from, error_log& log);
}  // namespace fibers

enum class boundary { around_the_wait, around_the_start };

/// For a blocking call the start and the end are the same place.
[[nodiscard]] constexpr bool has(stage::style how, boundary where) {
  return where == boundary::around_the_wait || how != stage::style::blocking;
}

/// Runs one version to its end on this thread's loop; boundary::around_the_start is the naive version.
inline settings load(stage::style how, boundary where, const places& from, error_log& log) {
  const bool naive = where == boundary::around_the_start;
  switch (how) {
    case stage::style::blocking: break;
    case stage::style::callback:
      return run(stage::called_back<settings>([&](handler<settings> done) {
        (naive ? callbacks::load_naively : callbacks::load)(from, log, std::move(done));
      }));
    case stage::style::future: return run((naive ? futures::load_naively : futures::load)(from, log));
    case stage::style::coroutine:
      return run((naive ? coroutines::load_naively : coroutines::load)(from, log));
    case stage::style::fiber:
      return run(in_fiber([&] { return (naive ? fibers::load_naively : fibers::load)(from, log); }));
  }
  return blocking::load(from, log);
}

}  // namespace error_boundaries
