#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

#include <braid/base/pinned.hpp>
#include <braid/style/task.hpp>

namespace thread_per_request {

/// The backend that the handler needs for every request. It takes its time for each question, but answers any
/// number of them at once, as a database on another machine does.
///
/// Threads  any; each question is asked on the current loop.
class database : braid::pinned {
 public:
  /// An answer takes as long as wait().
  explicit database(std::function<braid::task<>()> wait) : wait_(std::move(wait)) {}
  explicit database(std::chrono::milliseconds takes);

  [[nodiscard]] braid::task<std::string> ask(std::string question);
  /// How many questions it had at the same time, at most.
  [[nodiscard]] std::size_t most_at_once() const noexcept { return most_; }

 private:
  const std::function<braid::task<>()> wait_;
  std::atomic<std::size_t> now_ = 0, most_ = 0;
};

}  // namespace thread_per_request
