#pragma once

namespace readiness_vs_completion {

/// How often threads gave up a processor: voluntarily, to wait for something, and involuntarily, because
/// their time was up.
/// Source  getrusage(2).
struct switches {
  long voluntary = 0, involuntary = 0;

  friend switches operator-(switches a, switches b) {
    return {a.voluntary - b.voluntary, a.involuntary - b.involuntary};
  }
  friend switches operator+(switches a, switches b) {
    return {a.voluntary + b.voluntary, a.involuntary + b.involuntary};
  }
};

[[nodiscard]] switches of_this_process();  ///< all its threads, also those that have ended
[[nodiscard]] switches of_this_thread();

}  // namespace readiness_vs_completion
