#pragma once

#include <cstddef>
#include <string_view>

namespace bench {

/// Shows the progress of the measurement on stderr: one line that rewrites itself on a terminal, otherwise
/// one line for each workload.
class progress {
 public:
  progress(std::size_t workloads, std::size_t rounds);
  ~progress();
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;

  void begin(std::string_view workload);
  void say(std::string_view what);
  void round(std::size_t number);
  void clear();

 private:
  std::size_t workloads_;
  std::size_t rounds_;
  std::size_t current_ = 0;
  std::string_view workload_;
  bool terminal_;
};

}  // namespace bench
