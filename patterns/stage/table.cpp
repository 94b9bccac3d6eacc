#include "stage/table.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include <fmt/color.h>
#include <fmt/format.h>

#include <range/v3/view/enumerate.hpp>

namespace stage {

bool colours() {
  const char* no_color = std::getenv("NO_COLOR");
  return isatty(STDOUT_FILENO) == 1 && (no_color == nullptr || *no_color == '\0');
}

void table::print() const {
  std::vector<std::size_t> widths(rows_.front().size());
  for (const row& each : rows_)
    for (auto&& [i, cell] : each | ranges::views::enumerate)
      widths.at(i) = std::max(widths.at(i), cell.size());

  for (const row& each : rows_) {
    std::string line;
    for (auto&& [i, cell] : each | ranges::views::enumerate)
      line += fmt::format("  {:<{}}", cell, widths[i]);
    line.erase(line.find_last_not_of(' ') + 1);
    const bool head = &each == &rows_.front() && colours();
    fmt::print("{}\n", head ? fmt::format(fmt::emphasis::bold, "{}", line) : line);
  }
}

}  // namespace stage
