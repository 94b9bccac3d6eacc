#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include <braid/base/pinned.hpp>
#include <braid/style/promise.hpp>
#include <braid/style/task.hpp>

namespace stage {

/// Answers on command: who waits for a cue goes on once it was given. A cue stays given.
///
/// Lifetime  outlives who waits.
/// Threads   wait_for on any loop, the others on any thread; the loops where someone waits still live then.
class cues : braid::pinned {
 public:
  [[nodiscard]] braid::task<> wait_for(std::string cue);
  void give(const std::string& cue);
  [[nodiscard]] bool is_given(const std::string& cue) const;

 private:
  mutable std::mutex mutex_;
  std::set<std::string> given_;  // these two under the mutex
  std::map<std::string, std::vector<braid::promise<void>>> waiting_;
};

}  // namespace stage
