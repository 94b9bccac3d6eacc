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

/// Answers on command: a waiter for a cue goes on once the cue was given. A cue stays given.
///
/// Lifetime  outlives its waiters.
/// Threads   wait_for on any loop, the others on any thread; the loops of the waiters must still live then.
class cues : braid::pinned {
 public:
  [[nodiscard]] braid::task<> wait_for(std::string cue);
  void give(const std::string& cue);
  [[nodiscard]] bool is_given(const std::string& cue) const;

 private:
  mutable std::mutex mutex_;
  std::set<std::string> given_;  // this and the next one are guarded by the mutex
  std::map<std::string, std::vector<braid::promise<void>>> waiting_;
};

}  // namespace stage
