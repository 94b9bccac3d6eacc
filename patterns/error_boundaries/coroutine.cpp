#include "contract.hpp"

namespace error_boundaries::coroutines {

// [load]
task<settings> load(const places& from, error_log& log) {
  try {
    found first = co_await first_ok(from.read_each());                // 1 read
    co_return parse(first.value);                                     // 2 parse
  } catch (...) {
    const error why = error::current();
    if (was_stopped(why)) why.rethrow();
    log.write(why);                                                   // 3 boundary
    co_return settings();
  }
}
// [/load]

// [load_naively]
static task<settings> read_and_parse(const places& from) {
  found first = co_await first_ok(from.read_each());                  // 1 read
  co_return parse(first.value);                                       // 2 parse
}

task<settings> load_naively(const places& from, error_log& log) {
  try {
    return read_and_parse(from);
  } catch (...) {
    log.write(error::current());                                      // 3 never here
    throw;
  }
}
// [/load_naively]

// [refresh]
void refresh(const places& from, settings& now, error_log& log) {
  try {
    detach([&from, &now]() -> task<> {
      found first = co_await first_ok(from.read_each());              // 1 read
      now = parse(first.value);                                       // 2 parse
    });
  } catch (...) {
    log.write(error::current());                                      // 3 never here
  }
}
// [/refresh]

}  // namespace error_boundaries::coroutines
