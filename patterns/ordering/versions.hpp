#pragma once

#include "contract.hpp"
#include "stage/style.hpp"

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
  const bool naive = by == order::of_arrival;
  switch (how) {
    case stage::style::blocking: break;
    case stage::style::callback:
      return run(stage::called_back<void>([&](handler<void> done) {
        (naive ? callbacks::read_aloud_naively : callbacks::read_aloud)(from, to, std::move(done));
      }));
    case stage::style::future:
      return run((naive ? futures::read_aloud_naively : futures::read_aloud)(from, to));
    case stage::style::coroutine:
      return run((naive ? coroutines::read_aloud_naively : coroutines::read_aloud)(from, to));
    case stage::style::fiber:
      return run(
          in_fiber([&] { (naive ? fibers::read_aloud_naively : fibers::read_aloud)(from, to); }));
  }
  (naive ? blocking::read_aloud_naively : blocking::read_aloud)(from, to);
}

}  // namespace ordering
