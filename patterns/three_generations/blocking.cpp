#include <fstream>
#include <iterator>

#include "contract.hpp"

namespace three_generations::blocking {

namespace {

// The thread, and its loop with it, sleeps in the kernel until the disk has answered.
std::string read_file_here(const path& file) {
  std::ifstream from(file);
  if (!from) throw std::system_error(errno, std::generic_category(), file.string());
  return {std::istreambuf_iterator<char>(from), {}};
}

}  // namespace

// [show]
void show(printer& out, path file) {
  out.tell("1");                                                      // 1
  std::string text = read_file_here(file);                            // read
  out.tell(text);                                                     // contents
  out.tell("2");                                                      // 2
}
// [/show]

}  // namespace three_generations::blocking
