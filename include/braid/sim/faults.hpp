#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "braid/loop/clock.hpp"
#include "braid/loop/request.hpp"
#include "braid/sim/choices.hpp"

namespace braid::sim {

/// What may go wrong with a request.
enum class fault : std::uint8_t {
  interrupted,     ///< EINTR: of any request that waits or transfers
  would_block,  ///< EAGAIN: the request is tried once more, when its descriptor is ready or after the delay
  short_read,  ///< fewer bytes than asked for and there, at least one
  short_write,  ///< fewer bytes than there was room for, at least one
  io_error,  ///< EIO: of reads, writes, fsync, truncate
  no_space,  ///< ENOSPC: of writes, opens that create, make_directory
  no_buffers,  ///< ENOBUFS: of send, receive, datagrams, connect, accept
  no_descriptors,  ///< EMFILE: of open, accept, socket
  late,  ///< the completion comes later by the delay; in a simulated world its effect, too
  reset,  ///< ECONNRESET: of send and receive; in a simulated network both ends lose the connection
  refused,  ///< ECONNREFUSED: of connect
  lost,  ///< a datagram that is sent never arrives; its sender does not learn it
  duplicated,  ///< a datagram that is sent arrives twice
  delayed,  ///< a datagram that is sent arrives later by the delay, behind others; its sender does not wait
};

/// Can the fault happen to such a request? (no_space: to an open only if it creates, which its flags say.)
[[nodiscard]] bool can_hit(fault what, opcode code) noexcept;

/// A fault and when it happens: by probability, or once, to the nth request that it can hit.
struct fault_rule {
  fault what = fault::interrupted;
  double probability = 0;
  std::uint64_t nth = 0;  ///< from 1; 0: by probability alone
  std::optional<opcode> only{};  ///< of those it can hit, just these
  std::string host{};  ///< of a simulated host; empty: of all
  loop_clock::duration delay = std::chrono::milliseconds(1);  ///< of late, would_block and delayed
};

/// The faults that requests meet: rules in the order in which they were added; the first that applies counts.
///
/// Threads  those of who asks: one.
class fault_schedule {
 public:
  /// Errors  std::invalid_argument for a probability that is none, or a negative delay.
  void add(fault_rule rule);
  void clear() noexcept { rules_.clear(); }

  /// What a request is to meet. Counts it for every rule that it matches.
  struct hit {
    fault what;
    loop_clock::duration delay;
  };
  [[nodiscard]] std::optional<hit> next(const request& what, const std::string& host, choices& from);
  /// How many faults have happened.
  [[nodiscard]] std::uint64_t happened() const noexcept { return happened_; }

 private:
  struct counted {
    fault_rule rule;
    std::uint64_t seen = 0;
  };
  std::vector<counted> rules_;
  std::uint64_t happened_ = 0;
};

/// A short transfer's length: from 1 to one less than asked for, often only a few bytes.
[[nodiscard]] std::uint32_t shorter(std::uint32_t length, choices& from);
/// Minus the errno of a fault that has one, else 0.
[[nodiscard]] std::int32_t result_of(fault what) noexcept;
/// "short_read".
[[nodiscard]] const char* name_of(fault what) noexcept;

}  // namespace braid::sim
