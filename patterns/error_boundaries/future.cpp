#include "contract.hpp"

namespace error_boundaries::futures {

// [load]
future<settings> load(const places& from, error_log& log) {
  return spawn(first_ok(from.read_each()))                            // 1 read
      .then([](found first) { return parse(first.value); })           // 2 parse
      .catch_error([&log](const error& why) {
        if (was_stopped(why)) why.rethrow();
        log.write(why);                                               // 3 boundary
        return settings();
      });
}
// [/load]

// [load_naively]
future<settings> load_naively(const places& from, error_log& log) {
  try {
    return spawn(first_ok(from.read_each()))                          // 1 read
        .then([](found first) { return parse(first.value); });        // 2 parse
  } catch (...) {
    log.write(error::current());                                      // 3 never here
    return make_ready_future(settings());
  }
}
// [/load_naively]

}  // namespace error_boundaries::futures
