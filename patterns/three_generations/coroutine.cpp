#include "contract.hpp"

namespace three_generations::coroutines {

// [show]
task<> show(printer& out, path file) {
  out.tell("1");                                                      // 1
  std::string text = co_await read_file(file);                        // read
  out.tell(text);                                                     // contents
  out.tell("2");                                                      // 2
}
// [/show]

}  // namespace three_generations::coroutines
