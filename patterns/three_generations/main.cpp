#include <algorithm>

#include "stage/cost.hpp"
#include "stage/program.hpp"
#include "stage/table.hpp"
#include "versions.hpp"

namespace {

// A table has room for one line of a file.
std::string first_line(const std::string& text) {
  return text.substr(0, std::min<std::size_t>(text.find('\n'), 50));
}

}  // namespace

int main(int argc, char** argv) {
  stage::program program("three_generations",
                         "Print 1, read a file, print 2, while another task ticks on the same loop.");
  std::string path = "/etc/os-release";
  program.option("--file", path, "the file to read");

  return program.run(argc, argv, [&](std::span<const stage::style> styles) {
    braid::loop loop;
    const std::string contents = loop.run(braid::read_file(path));
    stage::story told;
    stage::table table({"style", "printed in this order", "elapsed", "allocations"});
    for (stage::style how : styles) {
      const stage::cost cost = stage::measure([&] {
        told.clear();
        three_generations::show_beside_ticks(how, told, path);
      });
      told.shorten(contents, first_line(contents));
      table.add({std::string(name_of(how)), told.text(), cost.elapsed_text(), cost.allocations_text()});
    }
    table.print();
  });
}
