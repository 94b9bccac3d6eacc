#pragma once

#include <array>
#include <cstddef>
#include <future>

#include "braid/loop/detail/blocking_pool.hpp"

namespace braid_tests {

/// Keeps all four threads of the blocking pool (the default) busy until let_go(), or until it is destroyed.
class busy_pool {
 public:
  busy_pool() {
    for (job& each : jobs_) {
      each.may_end = let_go_;
      braid::detail::blocking_pool::instance().submit(each);
    }
    for (job& each : jobs_) each.begun.get_future().wait();
  }
  busy_pool(const busy_pool&) = delete;
  busy_pool& operator=(const busy_pool&) = delete;
  ~busy_pool() {
    let_go();
    for (job& each : jobs_) each.ended.get_future().wait();
  }
  void let_go() {
    if (!gone_) release_.set_value();
    gone_ = true;
  }

 private:
  struct job : braid::detail::blocking_job {
    job() : braid::detail::blocking_job(work) {}
    static void work(braid::detail::blocking_job& base) noexcept {
      auto& self = static_cast<job&>(base);
      self.begun.set_value();
      self.may_end.wait();
      self.ended.set_value();
    }
    std::promise<void> begun, ended;
    std::shared_future<void> may_end;
  };
  std::promise<void> release_;
  std::shared_future<void> let_go_ = release_.get_future();
  bool gone_ = false;
  std::array<job, 4> jobs_;
};

}  // namespace braid_tests
