#pragma once

#include <string>
#include <vector>

namespace stage {

/// A table for the terminal: columns as wide as they must be, its head bold where that can be seen.
class table {
 public:
  using row = std::vector<std::string>;

  explicit table(row head) : rows_{std::move(head)} {}
  void add(row cells) { rows_.push_back(std::move(cells)); }
  void print() const;

 private:
  std::vector<row> rows_;
};

/// Whether standard output shows colours: a terminal, and NO_COLOR is not set.
[[nodiscard]] bool colours();

}  // namespace stage
