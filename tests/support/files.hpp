#pragma once

#include <unistd.h>

#include <cstddef>
#include <string>

#include "braid/fs/file.hpp"

namespace braid_tests {

/// A text of which no two parts are equal.
inline std::string numbered_text(std::size_t size) {
  std::string text;
  for (int n = 0; text.size() < size; ++n) text += std::to_string(100'000'000 + n) + "\n";
  text.resize(size);
  return text;
}

inline off_t position_of(const braid::file& of) { return ::lseek(of.number(), 0, SEEK_CUR); }

inline constexpr std::size_t page = 4096;

/// A buffer for files that are opened with O_DIRECT.
struct aligned_page {
  alignas(page) char bytes[page];
};

}  // namespace braid_tests
