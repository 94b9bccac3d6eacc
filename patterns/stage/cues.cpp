#include "stage/cues.hpp"

#include <optional>
#include <utility>

using namespace braid;

namespace stage {

task<> cues::wait_for(std::string cue) {
  std::optional<future<void>> come;
  {
    const std::lock_guard guard(mutex_);
    if (given_.contains(cue)) co_return;
    come = waiting_[cue].emplace_back().get_future();
  }
  co_await *std::move(come);
}

void cues::give(const std::string& cue) {
  std::vector<promise<void>> now;
  {
    const std::lock_guard guard(mutex_);
    given_.insert(cue);
    if (auto found = waiting_.extract(cue)) now = std::move(found.mapped());
  }
  for (promise<void>& each : now) each.set_value();
}

bool cues::is_given(const std::string& cue) const {
  const std::lock_guard guard(mutex_);
  return given_.contains(cue);
}

}  // namespace stage
