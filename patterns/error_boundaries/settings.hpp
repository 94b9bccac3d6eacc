#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <braid/base/error.hpp>
#include <braid/style/task.hpp>

namespace error_boundaries {

struct settings {
  std::string colour = "grey";
};

/// "colour red". Throws std::invalid_argument.
[[nodiscard]] settings parse(const std::string& text);

/// The files in which the settings may be, in no order of preference.
/// Lifetime  outlives its reads.
class places {
 public:
  explicit places(std::vector<std::filesystem::path> files) : files_(std::move(files)) {}
  /// One read for each file.
  [[nodiscard]] std::vector<braid::task<std::string>> read_each() const;

 private:
  std::vector<std::filesystem::path> files_;
};

/// The log to which a boundary writes the errors that it handles.
/// Threads  one loop's.
class error_log {
 public:
  void write(const braid::error& why) { written_.push_back(why); }
  [[nodiscard]] const std::vector<braid::error>& written() const noexcept { return written_; }
  void clear() { written_.clear(); }

 private:
  std::vector<braid::error> written_;
};

}  // namespace error_boundaries
