#include "contract.hpp"

namespace three_generations::futures {

// [show]
future<void> show(printer& out, path file) {
  out.tell("1");                                                      // 1
  future<void> shown = spawn(read_file(file))                         // read
      .then([&out](std::string text) { out.tell(text); });            // contents
  out.tell("2");                                                      // 2
  return shown;
}
// [/show]

}  // namespace three_generations::futures
