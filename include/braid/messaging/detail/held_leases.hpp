#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "braid/base/pinned.hpp"
#include "braid/loop/clock.hpp"
#include "braid/messaging/detail/queue_engine.hpp"

namespace braid::messaging::detail {

// The deliveries without an outcome that a process has from an engine on a server, as far as it knows: the
// server may have ended a lease earlier.
class held_leases : pinned {
 public:
  void add(lease_name lease, loop_clock::time_point until) {
    if (all_.size() >= most_) forget_old();
    all_.insert_or_assign(lease.token, held{lease, until, false});
  }
  // No outcome is being written, and the lease has not ended.
  [[nodiscard]] bool holds(lease_name lease) const noexcept {
    const auto at = all_.find(lease.token);
    return at != all_.end() && !at->second.busy && loop_clock::now() < at->second.until;
  }
  void extend(lease_name lease, loop_clock::time_point until) noexcept {
    if (const auto at = all_.find(lease.token); at != all_.end()) at->second.until = until;
  }
  // Was it there, without an outcome that is being written?
  bool remove(lease_name lease) noexcept {
    const auto at = all_.find(lease.token);
    if (at == all_.end() || at->second.busy) return false;
    all_.erase(at);
    return true;
  }
  // Those of which no outcome is being written.
  [[nodiscard]] std::vector<lease_name> all() const {
    std::vector<lease_name> found;
    for (const auto& [token, each] : all_)
      if (!each.busy) found.push_back(each.lease);
    return found;
  }

  // An outcome is being written. Unless that is done, the destructor leaves the delivery as it was.
  class writing : pinned {
   public:
    writing(held_leases& in, lease_name lease) noexcept : in_(in), token_(lease.token) { mark(true); }
    ~writing() { mark(false); }
    void done() noexcept { in_.all_.erase(token_); }

   private:
    void mark(bool busy) noexcept {
      if (const auto at = in_.all_.find(token_); at != in_.all_.end()) at->second.busy = busy;
    }
    held_leases& in_;
    const std::uint64_t token_;
  };

 private:
  struct held {
    lease_name lease;
    loop_clock::time_point until;
    bool busy;
  };
  // Those that nobody has ended: a lost reply left them here.
  void forget_old() {
    const loop_clock::time_point now = loop_clock::now();
    std::erase_if(all_, [now](const auto& each) { return !each.second.busy && each.second.until <= now; });
    most_ = std::max<std::size_t>(64, 2 * all_.size());
  }

  std::unordered_map<std::uint64_t, held> all_;
  std::size_t most_ = 64;
};

}  // namespace braid::messaging::detail
