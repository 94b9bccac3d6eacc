#pragma once

#include "contract.hpp"
#include "stage/in_style.hpp"

namespace race_and_timeout {

namespace blocking { page get_page(const mirrors& from, milliseconds limit); }
namespace callbacks {
void get_page(const mirrors& from, milliseconds limit, handler<page> done);
void get_page_naively(const mirrors& from, milliseconds limit, handler<page> done);
}  // namespace callbacks
namespace futures {
future<page> get_page(const mirrors& from, milliseconds limit);
future<page> get_page_naively(const mirrors& from, milliseconds limit);
}  // namespace futures
namespace coroutines {
task<page> get_page(const mirrors& from, milliseconds limit);
task<page> get_whatever_ends_first(const mirrors& from, milliseconds limit);
}  // namespace coroutines
namespace fibers { page get_page(const mirrors& from, milliseconds limit); }

/// What happens to the losers: in the naive versions, made by hand, they go on.
enum class losers { are_stopped, go_on };

[[nodiscard]] constexpr auto versions_of(losers then) {
  if (then == losers::are_stopped)
    return stage::versions{blocking::get_page, callbacks::get_page, futures::get_page,
                           coroutines::get_page, fibers::get_page};
  return stage::versions<page(const mirrors&, milliseconds)>{
      .callback = callbacks::get_page_naively, .future = futures::get_page_naively};
}

/// Runs one version to its end on this thread's loop.
inline page get_page(stage::style how, losers then, const mirrors& from, milliseconds limit) {
  return stage::in_style(how, versions_of(then), from, limit);
}

}  // namespace race_and_timeout
