#include "braid/loop/detail/running_scope.hpp"

#include <stdexcept>
#include <string>

namespace braid::detail {

running_scope::running_scope(loop& which, const char* call) : which_(which), waits_(call) {
  if (which.of_parent_)
    throw std::logic_error(std::string(call) +
                           ": the loop of the parent process: make one of this process's own");
  if (loop::current_or_null() != &which)
    throw std::logic_error(std::string(call) + ": the loop of another thread");
  if (which.running_)
    throw std::logic_error(std::string(call) +
                           ": the loop of this thread is running; waiting here would deadlock");
  which.running_ = true;
}

}  // namespace braid::detail
