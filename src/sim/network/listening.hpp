#pragma once

#include <cstddef>
#include <deque>
#include <memory>

#include "braid/base/pinned.hpp"
#include "machine.hpp"

namespace braid::sim::detail {

class connection;

// The state of a listening socket: the connections that were not accepted yet.
class listening : pinned {
 public:
  listening(object& of, bool shares, bool dual, int backlog);
  // Called when the socket is closed or stops listening: resets the connections that were not accepted.
  void end() noexcept;

  void set_backlog(int backlog) noexcept;
  // SO_REUSEADDR, which its connections inherit.
  [[nodiscard]] bool shares() const noexcept { return shares_; }
  // Does it listen at :: for IPv4 too?
  [[nodiscard]] bool is_dual() const noexcept { return dual_; }

  // As on Linux, it takes one more than the backlog.
  [[nodiscard]] bool is_full() const noexcept { return handshakes_ + arrived_.size() > backlog_; }
  // A connection has a place in the backlog from the beginning of its handshake on.
  void handshake_begins() noexcept { ++handshakes_; }
  void handshake_fails() noexcept { --handshakes_; }
  void handshake_ends(std::shared_ptr<connection> with);

  [[nodiscard]] bool empty() const noexcept { return arrived_.empty(); }
  [[nodiscard]] const std::shared_ptr<connection>& oldest() const noexcept { return arrived_.front(); }
  void take_oldest() noexcept { arrived_.pop_front(); }

 private:
  object& of_;
  const bool shares_, dual_;
  std::size_t backlog_;
  std::size_t handshakes_ = 0;
  std::deque<std::shared_ptr<connection>> arrived_;
};

}  // namespace braid::sim::detail
