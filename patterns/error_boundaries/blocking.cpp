#include "contract.hpp"

namespace error_boundaries::blocking {

// [load]
settings load(const places& from, error_log& log) {
  try {
    found first = run(first_ok(from.read_each()));                    // 1 read
    return parse(first.value);                                        // 2 parse
  } catch (...) {
    const error why = error::current();
    if (was_stopped(why)) why.rethrow();
    log.write(why);                                                   // 3 boundary
    return settings();
  }
}
// [/load]

}  // namespace error_boundaries::blocking
