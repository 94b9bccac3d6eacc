#include "contract.hpp"

namespace three_generations::fibers {

// [show]
void show(printer& out, path file) {
  out.tell("1");                                                      // 1
  std::string text = await(read_file(file));                          // read
  out.tell(text);                                                     // contents
  out.tell("2");                                                      // 2
}
// [/show]

}  // namespace three_generations::fibers
