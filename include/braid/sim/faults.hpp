#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "braid/loop/clock.hpp"
#include "braid/loop/request.hpp"
#include "braid/sim/choices.hpp"

namespace braid::sim {

/// An error, a short transfer, a delay or a loss that a simulation can inject into a request.
///
///     sim::world here(7);
///     here.faults().add({.what = sim::fault::short_read, .probability = 0.5});
enum class fault : std::uint8_t {
  interrupted,     ///< EINTR: of any request that waits or transfers
  would_block,  ///< EAGAIN: tried once more, when the descriptor is ready or after the delay
  short_read,  ///< fewer bytes than asked for and available, at least one
  short_write,  ///< fewer bytes than there was room for, at least one
  io_error,  ///< EIO: of reads, writes, fsync, truncate
  no_space,  ///< ENOSPC: of writes, opens that create, make_directory
  no_buffers,  ///< ENOBUFS: of send, receive, datagrams, connect, accept
  no_descriptors,  ///< EMFILE: of open, accept, socket
  no_system_descriptors,  ///< ENFILE, of the same: not the process but the system has none left
  late,  ///< the completion is delayed; in a simulated world the effect, too
  reset,  ///< ECONNRESET: of send and receive; in a simulated network both ends lose the connection
  refused,  ///< ECONNREFUSED: of connect
  lost,  ///< a sent datagram never arrives; its sender does not notice
  duplicated,  ///< a sent datagram arrives twice
  delayed,  ///< a sent datagram arrives later, behind others; its sender does not wait
};

/// True if the fault can happen to such a request. no_space hits an open only if its flags say that it
/// creates.
///
///     static_assert(opcode::read != opcode::write);
///     use(sim::can_hit(sim::fault::no_space, opcode::write));  // true
[[nodiscard]] bool can_hit(fault what, opcode code) noexcept;

/// A fault and when it happens: by probability, or once, to the nth request that it can hit.
///
///     const sim::fault_rule third_sync{.what = sim::fault::io_error, .nth = 3, .only = opcode::fsync};
struct fault_rule {
  fault what = fault::interrupted;
  double probability = 0;
  std::uint64_t nth = 0;  ///< counted from 1; 0: by probability alone
  std::optional<opcode> only{};  ///< only requests of this opcode
  std::string host{};  ///< only on this simulated host; empty: on all
  loop_clock::duration delay = std::chrono::milliseconds(1);  ///< of late, would_block and delayed
};

/// Decides which faults happen: a list of rules, of which the first that applies to a request counts.
///
///     sim::fault_schedule faults;
///     faults.add({.what = sim::fault::late, .probability = 0.01, .delay = 20ms});
///     loop here({}, sim::faulty(make_reactor({}), faults));
///
/// Threads  one.
class fault_schedule {
 public:
  /// Errors  std::invalid_argument for a probability outside 0 … 1, or a negative delay.
  void add(fault_rule rule);
  void clear() noexcept { rules_.clear(); }

  /// The fault of this request, if any. Counts the request for every rule that it matches.
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

// The length of a short transfer: from 1 to one less than asked for, often only a few bytes.
[[nodiscard]] std::uint32_t shorter(std::uint32_t length, choices& from);
// A send of the first part of a send_parts, which a short write cuts short; any other request as it is.
[[nodiscard]] request first_part_of(const request& what) noexcept;
// The negative errno of a fault that has one, else 0.
[[nodiscard]] std::int32_t result_of(fault what) noexcept;
/// The name of the fault, such as "short_read".
///
///     for (const auto each : {sim::fault::lost, sim::fault::delayed}) log(sim::name_of(each));
[[nodiscard]] const char* name_of(fault what) noexcept;

}  // namespace braid::sim
