#pragma once

#include <string>

/// Prints the lines of a diagnosis, coloured on a terminal, and remembers whether anything was wrong.
class report {
 public:
  report();
  void good(const std::string& what) const;
  void note(const std::string& what) const;
  void wrong(const std::string& what, const std::string& fix);
  [[nodiscard]] bool anything_wrong() const noexcept { return wrong_; }

 private:
  void line(const char* colour, const char* word, const std::string& what) const;
  bool colours_;
  bool wrong_ = false;
};
