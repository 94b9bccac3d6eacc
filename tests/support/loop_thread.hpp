#pragma once

#include <atomic>
#include <thread>

#include "braid/loop/loop.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/run.hpp"

namespace braid_tests {

/// A thread with a loop that runs until the object is destroyed.
class loop_thread {
 public:
  loop_thread() : thread_([this] { work(); }) { ready_.wait(nullptr); }
  ~loop_thread() {
    there().post([this] { end_->set_value(); });
    thread_.join();
  }
  [[nodiscard]] braid::loop& there() noexcept { return *ready_.load(); }
  [[nodiscard]] std::thread::id id() const noexcept { return thread_.get_id(); }

 private:
  void work() {
    braid::loop mine;
    braid::promise<void> end;
    end_ = &end;
    auto ended = end.get_future();
    ready_ = &mine;
    ready_.notify_one();
    mine.run(std::move(ended));
  }
  std::atomic<braid::loop*> ready_{nullptr};
  braid::promise<void>* end_ = nullptr;
  std::thread thread_;
};

}  // namespace braid_tests
