#include "contract.hpp"

namespace error_boundaries::fibers {

// [load]
settings load(const places& from, error_log& log) {
  try {
    found first = await(first_ok(from.read_each()));                  // 1 read
    return parse(first.value);                                        // 2 parse
  } catch (...) {
    const error why = error::current();
    if (was_stopped(why)) why.rethrow();
    log.write(why);                                                   // 3 boundary
    return settings();
  }
}
// [/load]

// [load_naively]
static future<found> begin_to_read(const places& from, error_log& log) {
  try {
    return spawn(first_ok(from.read_each()));                         // 1 read
  } catch (...) {
    log.write(error::current());                                      // 3 never here
    throw;
  }
}

settings load_naively(const places& from, error_log& log) {
  future<found> first = begin_to_read(from, log);
  return parse(await(std::move(first)).value);                        // 2 parse
}
// [/load_naively]

}  // namespace error_boundaries::fibers
