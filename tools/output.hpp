// What the commands that show files print.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>

namespace braid_tools {

inline void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (std::ferror(stdout) != 0) throw std::system_error(errno, std::generic_category(), "standard output");
}
inline void flush_output() {
  if (std::fflush(stdout) != 0) throw std::system_error(errno, std::generic_category(), "standard output");
}

// The bytes in one line: those that do not print as \xNN, a backslash as two.
inline std::string escaped(std::string_view bytes) {
  std::string line;
  for (const char each : bytes) {
    const auto byte = static_cast<unsigned char>(each);
    char code[5];
    if (each == '\\') {
      line += "\\\\";
    } else if (byte >= 0x20 && byte != 0x7f) {
      line += each;
    } else {
      std::snprintf(code, sizeof code, "\\x%02x", byte);
      line += code;
    }
  }
  return line;
}

}  // namespace braid_tools
