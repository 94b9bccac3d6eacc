#pragma once

#include <memory>

#include "braid/loop/loop.hpp"

namespace bench {

/// The loop of the measuring thread. A thread has one at a time, so the braid styles that are set up together
/// share it.
///
/// A run leaves nothing behind on the loop, so that styles do not affect each other.
class thread_loop {
 public:
  thread_loop() : thread_loop(braid::loop_options{}) {}
  /// The options must be the same for all styles that are set up together.
  explicit thread_loop(const braid::loop_options& options) : loop_(shared_.lock()) {
    if (!loop_) shared_ = loop_ = std::make_shared<braid::loop>(options);
  }

  operator braid::loop&() const noexcept { return *loop_; }
  braid::loop* operator->() const noexcept { return loop_.get(); }

 private:
  static inline std::weak_ptr<braid::loop> shared_;
  std::shared_ptr<braid::loop> loop_;
};

}  // namespace bench
