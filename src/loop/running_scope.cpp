#include "braid/loop/detail/running_scope.hpp"

#include <stdexcept>
#include <string>

#include "braid/loop/loop.hpp"

namespace braid::detail {

running_scope::running_scope(loop& which, const char* call) : running_(which.running_), waits_(call) {
  if (which.of_parent_)
    throw std::logic_error(std::string(call) +
                           ": this loop belongs to the parent process: make one in this process");
  if (loop::current_or_null() != &which)
    throw std::logic_error(std::string(call) + ": this loop belongs to another thread");
  if (running_)
    throw std::logic_error(std::string(call) +
                           ": the loop of this thread is running; waiting here would deadlock");
  running_ = true;
}

}  // namespace braid::detail
