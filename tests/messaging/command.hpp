#pragma once

#include <stdio.h>
#include <sys/wait.h>

#include <cstdlib>
#include <string>

#include "catch.hpp"

namespace braid_tests {

/// What a command said, on both outputs, and how it ended.
struct said {
  int code = -1;
  std::string text;
};

/// Runs the command that this variable of the environment names, as a user runs it.
inline said run_command(const char* variable, const std::string& arguments,
                        const std::string& rest = " 2>&1") {
  const char* const tool = std::getenv(variable);
  REQUIRE(tool != nullptr);
  said all;
  FILE* const from = ::popen((std::string(tool) + " " + arguments + rest).c_str(), "re");
  REQUIRE(from != nullptr);
  char part[4096];
  for (std::size_t got = 0; (got = std::fread(part, 1, sizeof part, from)) != 0;) all.text.append(part, got);
  const int status = ::pclose(from);
  if (WIFEXITED(status)) all.code = WEXITSTATUS(status);
  return all;
}

}  // namespace braid_tests
