#pragma once

#include <string>
#include <vector>

namespace stage {

/// A table for the terminal: columns as wide as necessary, with a bold head if the terminal shows it.
class table {
 public:
  using row = std::vector<std::string>;

  explicit table(row head) : rows_{std::move(head)} {}
  void add(row cells) { rows_.push_back(std::move(cells)); }
  void print() const;

 private:
  std::vector<row> rows_;
};

/// True if standard output shows colours: it is a terminal, and NO_COLOR is not set.
[[nodiscard]] bool colours();

}  // namespace stage
