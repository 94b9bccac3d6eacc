#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "stage/style.hpp"

namespace CLI {
class App;
}

namespace stage {

/// What a program lets the user choose from: an option, and its values.
struct choice {
  std::string name;
  std::vector<std::string> values;
};
/// One or several of the five styles, by --style.
[[nodiscard]] choice of_styles();

/// The command line of a pattern, and the main() under it.
///
/// Errors  for a bad argument run prints the usage to stderr and returns 2; for an exception of what it runs
///         it prints the exception and returns 1.
class program {
 public:
  program(std::string name, std::string about, choice from = of_styles());
  ~program();

  void option(const std::string& name, std::string& value, const std::string& about);
  /// The value is written as 500ms, 2s or 500, which are milliseconds.
  void option(const std::string& name, std::chrono::milliseconds& value, const std::string& about);
  void flag(const std::string& name, bool& value, const std::string& about);

  /// Reads the command line, then calls show with the requested styles. Returns main's result.
  int run(int argc, char** argv, const std::function<void(std::span<const style>)>& show);
  /// The same with the requested values of the choice.
  int run_chosen(int argc, char** argv, const std::function<void(std::span<const std::string>)>& show);

 private:
  const std::string name_;
  const choice from_;
  const std::unique_ptr<CLI::App> app_;
  bool list_ = false;
  std::vector<std::string> asked_;
};

}  // namespace stage
