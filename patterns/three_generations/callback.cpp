#include "contract.hpp"

namespace three_generations::callbacks {

// [show]
void show(printer& out, path file, handler<void> done) {
  out.tell("1");                                                      // 1
  start(read_file(file),                                              // read
        [&out, done = std::move(done)](result<std::string> text) mutable {
    if (!text) return done(text.error());
    out.tell(*text);                                                  // contents
    done({});
  });
  out.tell("2");                                                      // 2
}
// [/show]

}  // namespace three_generations::callbacks
