#pragma once

#include <atomic>
#include <functional>
#include <string>

#include <braid/base/pinned.hpp>
#include <braid/net/endpoint.hpp>
#include <braid/style/task.hpp>

#include "stage/line_service.hpp"

namespace bounded_concurrency {

/// How many are at it, and how many were at the most.
/// Threads  any.
class head_count : braid::pinned {
 public:
  /// One who is there, for as long as it lives.
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

/// An archive of numbered titles, seen by its reader: each fetch is a connection, a request and an answer.
///
/// Lifetime  outlives its fetches.
/// Threads   any.
/// Errors    stage::refused when there is no such title.
class archive {
 public:
  /// Is told, on the reader's thread, that a fetch has failed.
  using failed_fn = std::function<void()>;

  explicit archive(braid::endpoint at, failed_fn failed = {}) : at_(at), failed_(std::move(failed)) {}

  [[nodiscard]] braid::task<std::string> fetch(unsigned number) const;
  /// The fetches under way.
  [[nodiscard]] const head_count& fetches() const noexcept { return fetches_; }

 private:
  braid::endpoint at_;
  failed_fn failed_;
  mutable head_count fetches_;
};

/// "title 7" once pace(7) is over; asked is how many requests it works on.
[[nodiscard]] stage::answer_fn titles_once(std::function<braid::task<>(unsigned number)> pace,
                                           head_count& asked);

}  // namespace bounded_concurrency
