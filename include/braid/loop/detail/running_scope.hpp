#pragma once

#include "braid/base/pinned.hpp"
#include "braid/loop/blocking_wait.hpp"

namespace braid {
class loop;
}  // namespace braid

namespace braid::detail {

/// Marks the loop as running, and this thread as waiting, for as long as it lives. Throws std::logic_error,
/// naming the call, when the loop is running already or is not this thread's; std::system_error as
/// blocking_wait does.
class running_scope : pinned {
 public:
  running_scope(loop& which, const char* call);
  ~running_scope() { running_ = false; }

 private:
  bool& running_;
  const blocking_wait waits_;
};

}  // namespace braid::detail
