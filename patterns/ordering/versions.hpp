#pragma once

#include "contract.hpp"
#include "stage/in_style.hpp"

namespace ordering {

namespace blocking {
void read_aloud(const book& from, listener& to);
void read_aloud_naively(const book& from, listener& to);
}  // namespace blocking
namespace callbacks {
void read_aloud(const book& from, listener& to, handler<void> done);
void read_aloud_naively(const book& from, listener& to, handler<void> done);
}  // namespace callbacks
namespace futures {
future<void> read_aloud(const book& from, listener& to);
future<void> read_aloud_naively(const book& from, listener& to);
}  // namespace futures
namespace coroutines {
task<> read_aloud(const book& from, listener& to);
task<> read_aloud_naively(const book& from, listener& to);
}  // namespace coroutines
namespace fibers {
void read_aloud(const book& from, listener& to);
void read_aloud_naively(const book& from, listener& to);
}  // namespace fibers

enum class order { of_pages, of_arrival };

/// Runs one version to its end on this thread's loop; order::of_arrival is the naive version.
inline void read_aloud(stage::style how, order by, const book& from, listener& to) {
  constexpr stage::versions right{blocking::read_aloud, callbacks::read_aloud, futures::read_aloud,
                                  coroutines::read_aloud, fibers::read_aloud};
  constexpr stage::versions naive{blocking::read_aloud_naively, callbacks::read_aloud_naively,
                                  futures::read_aloud_naively, coroutines::read_aloud_naively,
                                  fibers::read_aloud_naively};
  stage::in_style(how, by == order::of_pages ? right : naive, from, to);
}

}  // namespace ordering
