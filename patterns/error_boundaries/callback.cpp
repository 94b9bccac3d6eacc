#include "contract.hpp"

namespace error_boundaries::callbacks {

// [load]
void load(const places& from, error_log& log, handler<settings> done) {
  start(first_ok(from.read_each()),                                   // 1 read
        [&log, done = std::move(done)](result<found> read) mutable {
    result<settings> got = capture([&] {
      found first = read.value();
      return parse(first.value);                                      // 2 parse
    });
    if (!got && !was_stopped(got.error())) {
      log.write(got.error());                                         // 3 boundary
      got = settings();
    }
    done(std::move(got));
  });
}
// [/load]

// [load_naively]
void load_naively(const places& from, error_log& log, handler<settings> done) {
  try {
    start(first_ok(from.read_each()),                                 // 1 read
          [done = std::move(done)](result<found> read) mutable {
      found first = read.value();
      done(parse(first.value));                                       // 2 parse
    });
  } catch (...) {
    log.write(error::current());                                      // 3 never here
  }
}
// [/load_naively]

}  // namespace error_boundaries::callbacks
