#include <fstream>
#include <iterator>

#include "contract.hpp"

namespace three_generations::blocking {

namespace {

// The thread, and its loop with it, sleeps in the kernel until the disk has answered.
std::string read_file_here(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) throw std::system_error(errno, std::generic_category(), path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

// [show]
void show(printer& out, const std::filesystem::path& path) {
  out.tell("1");                                                      // 1
  std::string text = read_file_here(path);                            // read
  out.tell(text);                                                     // contents
  out.tell("2");                                                      // 2
}
// [/show]

}  // namespace three_generations::blocking
