#pragma once

#include <pthread.h>
#include <sys/types.h>

#include <memory>
#include <mutex>
#include <vector>

#include "braid/base/detail/intrusive_list.hpp"
#include "braid/loop/loop.hpp"

namespace braid::detail {

/// The loops that exist. For threads that use a loop which may have ended, and for forked children.
struct living_loops {
  std::mutex mutex;  // guards what follows
  struct member {
    operation_context* which;
    pthread_t thread;
  };
  std::vector<member> all;
  pid_t process;  // the process of these loops
  // In a forked child: the parts of the parent's loops. Never used; kept here so that leak checks find them.
  std::vector<std::unique_ptr<reactor>> reactors_of_parent;
  intrusive_list<resident> residents_of_parent;
  intrusive_list<outside_work> outside_of_parent;

  /// The only object; never destroyed.
  static living_loops& here();

 private:
  living_loops();
};

}  // namespace braid::detail
