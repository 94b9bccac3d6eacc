#pragma once

#include <atomic>
#include <functional>
#include <string>

#include <braid/base/pinned.hpp>
#include <braid/net/endpoint.hpp>
#include <braid/style/task.hpp>

#include "stage/line_service.hpp"

namespace bounded_concurrency {

/// Counts the visitors that are inside, and the most there were at once.
/// Threads  any.
class head_count : braid::pinned {
 public:
  /// A visitor, who is inside while this object lives.
  class guest : braid::pinned {
   public:
    explicit guest(head_count& at) noexcept;
    ~guest() { --at_.now_; }

   private:
    head_count& at_;
  };

  [[nodiscard]] int now() const noexcept { return now_; }
  [[nodiscard]] int most() const noexcept { return most_; }
  [[nodiscard]] int came() const noexcept { return came_; }

 private:
  std::atomic<int> now_ = 0, most_ = 0, came_ = 0;
};

/// The reader's view of an archive of numbered titles: each fetch is a connection, a request and an answer.
///
/// Lifetime  outlives its fetches.
/// Threads   any.
/// Errors    stage::refused when there is no such title.
class archive {
 public:
  /// Called on the reader's thread when a fetch has failed.
  using failed_fn = std::function<void()>;

  explicit archive(braid::endpoint at, failed_fn failed = {}) : at_(at), failed_(std::move(failed)) {}

  [[nodiscard]] braid::task<std::string> fetch(unsigned number) const;
  /// The fetches in flight.
  [[nodiscard]] const head_count& fetches() const noexcept { return fetches_; }

 private:
  braid::endpoint at_;
  failed_fn failed_;
  mutable head_count fetches_;
};

/// Answers "title 7" once pace(7) has ended; `asked` counts the requests in progress.
[[nodiscard]] stage::answer_fn titles_once(std::function<braid::task<>(unsigned number)> pace,
                                           head_count& asked);

}  // namespace bounded_concurrency
