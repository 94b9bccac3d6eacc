#include "report.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

report::report() {
  const char* plain = std::getenv("NO_COLOR");
  colours_ = ::isatty(STDOUT_FILENO) == 1 && (plain == nullptr || *plain == '\0');
}

void report::line(const char* colour, const char* word, const std::string& what) const {
  std::printf("  %s%-6s%s%s\n", colours_ ? colour : "", word, colours_ ? "\033[0m" : "", what.c_str());
}

void report::good(const std::string& what) const { line("\033[32m", "ok", what); }
void report::note(const std::string& what) const { line("\033[33m", "note", what); }
void report::wrong(const std::string& what, const std::string& fix) {
  line("\033[31m", "wrong", what);
  std::printf("        fix: %s\n", fix.c_str());
  wrong_ = true;
}
