#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "braid/base/pinned.hpp"
#include "braid/core/stop_token.hpp"
#include "braid/sync/event.hpp"

namespace braid::detail {

// Counts the accept loops and the connections that a listener's `serve` runs, for which graceful_shutdown
// waits.
class served : braid::pinned {
 public:
  // Counts an accept loop or a connection as long as it lives.
  enum class kind : std::uint8_t { accept_loop, connection };
  class part {
   public:
    part(std::shared_ptr<served> of, kind what) noexcept : of_(std::move(of)), what_(what) {
      of_->begins(what_);
    }
    part(part&&) = default;
    ~part() {
      if (of_ != nullptr) of_->ends(what_);
    }

   private:
    std::shared_ptr<served> of_;  // null once moved from
    kind what_;
  };

  [[nodiscard]] std::size_t connections() const noexcept { return connections_; }
  // How many connections have ended so far.
  [[nodiscard]] std::size_t ended() const noexcept { return ended_; }
  // Completes when nothing runs any more.
  [[nodiscard]] auto wait() noexcept { return nothing_runs_.wait(); }

  stop_source closing;  // a shutdown has begun
  stop_source cut;      // its deadline has passed

  void begins(kind what) noexcept {
    ++(what == kind::connection ? connections_ : loops_);
    nothing_runs_.reset();
  }
  void ends(kind what) noexcept {
    --(what == kind::connection ? connections_ : loops_);
    if (what == kind::connection) ++ended_;
    if (connections_ == 0 && loops_ == 0) nothing_runs_.set();
  }

 private:
  std::size_t connections_ = 0, loops_ = 0, ended_ = 0;
  event nothing_runs_{true};
};

}  // namespace braid::detail
