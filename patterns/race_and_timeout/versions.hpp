#pragma once

#include "contract.hpp"
#include "stage/style.hpp"

namespace race_and_timeout {

namespace blocking {
page get_page(const mirrors& from, milliseconds limit);
}
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
namespace fibers {
page get_page(const mirrors& from, milliseconds limit);
}

enum class losers { are_stopped, go_on };

/// What happens to the losers: in the naive versions, made by hand, they go on.
[[nodiscard]] constexpr bool has_naive(stage::style how) {
  return how == stage::style::callback || how == stage::style::future;
}

/// Runs one version to its end, on this thread's loop.
inline page get_page(stage::style how, losers then, const mirrors& from, milliseconds limit) {
  const bool naive = then == losers::go_on;
  switch (how) {
    case stage::style::blocking: break;
    case stage::style::callback:
      return run(stage::called_back<page>([&](handler<page> done) {
        (naive ? callbacks::get_page_naively : callbacks::get_page)(from, limit, std::move(done));
      }));
    case stage::style::future:
      return run((naive ? futures::get_page_naively : futures::get_page)(from, limit));
    case stage::style::coroutine: return run(coroutines::get_page(from, limit));
    case stage::style::fiber: return run(in_fiber([&] { return fibers::get_page(from, limit); }));
  }
  return blocking::get_page(from, limit);
}

}  // namespace race_and_timeout
