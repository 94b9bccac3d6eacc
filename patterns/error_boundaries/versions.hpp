#pragma once

#include "contract.hpp"
#include "stage/in_style.hpp"

namespace error_boundaries {

namespace blocking { settings load(const places& from, error_log& log); }
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

/// The place of the try; around the start is the naive one.
enum class boundary { around_the_wait, around_the_start };

/// For a blocking call the start and the end are the same place: it has no naive version.
[[nodiscard]] constexpr auto versions_of(boundary where) {
  constexpr stage::versions right{blocking::load, callbacks::load, futures::load, coroutines::load,
                                  fibers::load};
  constexpr decltype(right) naive{nullptr, callbacks::load_naively, futures::load_naively,
                                  coroutines::load_naively, fibers::load_naively};
  return where == boundary::around_the_wait ? right : naive;
}

/// Runs one version to its end on this thread's loop.
inline settings load(stage::style how, boundary where, const places& from, error_log& log) {
  return stage::in_style(how, versions_of(where), from, log);
}

}  // namespace error_boundaries
