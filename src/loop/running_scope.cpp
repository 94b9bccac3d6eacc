#include "braid/loop/detail/running_scope.hpp"

#include <stdexcept>
#include <string>

#include "braid/loop/loop.hpp"

namespace braid::detail {

running_scope::running_scope(loop& which, const char* call) : which_(which), waits_(call) {
  if (which.of_parent_)
    throw std::logic_error(std::string(call) +
                           ": this loop belongs to the parent process: make one in this process");
  if (loop::current_or_null() != &which)
    throw std::logic_error(std::string(call) + ": this loop belongs to another thread");
  if (which.running_)
    throw std::logic_error(std::string(call) +
                           ": the loop of this thread is running; waiting here would deadlock");
  which.running_ = true;
}

running_scope::~running_scope() { which_.running_ = false; }

}  // namespace braid::detail
