#pragma once

#include <pthread.h>
#include <sys/types.h>

#include <memory>
#include <mutex>
#include <vector>

#include "braid/base/detail/intrusive_list.hpp"
#include "braid/loop/loop.hpp"

namespace braid::detail {

/// The loops that live, for those who may come too late for one, and for a forked child.
struct living_loops {
  std::mutex mutex;  // guards what follows
  struct member {
    loop* which;
    pthread_t thread;
  };
  std::vector<member> all;
  pid_t process;  // that they live in
  // In a forked child: what the parent's loops had. Never used, kept so that a leak check sees where it is.
  std::vector<std::unique_ptr<reactor>> reactors_of_parent;
  intrusive_list<resident> residents_of_parent;
  intrusive_list<outside_work> outside_of_parent;

  /// The one, which is never destroyed.
  static living_loops& here();

 private:
  living_loops();
};

}  // namespace braid::detail
