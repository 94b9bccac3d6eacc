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

/// The command line of a pattern, and the main() under it.
///
/// Errors  a bad argument prints the usage to stderr and makes run return 2; an exception out of what it runs
///         is printed, and makes it return 1.
class program {
 public:
  program(std::string name, std::string about);
  ~program();

  void option(const std::string& name, std::string& value, const std::string& about);
  void option(const std::string& name, std::chrono::milliseconds& value, const std::string& about);

  /// Reads the command line, then calls show with the styles that were asked for. Gives main's result.
  int run(int argc, char** argv, const std::function<void(std::span<const style>)>& show);

 private:
  const std::string name_;
  const std::unique_ptr<CLI::App> app_;
  bool list_ = false;
  std::vector<std::string> asked_;
};

}  // namespace stage
