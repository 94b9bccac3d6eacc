#pragma once

#include "braid/base/pinned.hpp"
#include "braid/loop/blocking_wait.hpp"
#include "braid/loop/loop.hpp"

namespace braid::detail {

/// Marks the loop as running for as long as it lives, and this thread as one that waits. Throws
/// std::logic_error, naming the call, when it is running already; std::system_error as blocking_wait does.
class running_scope : pinned {
 public:
  running_scope(loop& which, const char* call);
  ~running_scope() { which_.running_ = false; }

 private:
  loop& which_;
  const blocking_wait waits_;
};

}  // namespace braid::detail
