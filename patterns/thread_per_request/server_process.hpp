#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>

#include <braid/base/pinned.hpp>
#include <braid/net/endpoint.hpp>

#include "versions.hpp"

namespace thread_per_request {

/// What the system says of a process.
/// Source  proc_pid_status(5).
struct usage {
  std::size_t resident_kib = 0;
  std::size_t switches = 0;  // of the threads that exist, voluntary and not
};

/// This program once more, as a server, so that its memory and context switches are measured without those
/// of the clients.
///
/// Lifetime  serves until it is destroyed.
class server_process : braid::pinned {
 public:
  server_process(model by, std::chrono::milliseconds backend_takes);
  ~server_process();
  [[nodiscard]] const braid::endpoint& address() const noexcept { return address_; }
  [[nodiscard]] usage used() const;

 private:
  pid_t id_ = -1;
  braid::endpoint address_;
};

}  // namespace thread_per_request
