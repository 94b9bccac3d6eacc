#pragma once

#include <cstdint>
#include <memory>

#include "braid/loop/reactor.hpp"
#include "braid/sim/faults.hpp"

namespace braid::sim {

/// The same faults on a real kernel: a reactor on which requests meet the schedule before they reach the
/// other one. `loop here({}, sim::faulty(make_reactor({}), schedule));`
///
/// An errno is answered without asking the kernel; a short transfer asks it for less; a reset also shuts the
/// socket down; a late completion is held back, and a request that would block is handed over later. A
/// datagram that is lost is answered as sent, whatever the kernel would have said; one that is duplicated is
/// sent twice; the sender of one that is delayed does wait.
///
/// Lifetime  the schedule outlives the loop. Rules may be added between two runs of it.
/// Threads   the loop's.
[[nodiscard]] std::unique_ptr<reactor> faulty(std::unique_ptr<reactor> over, fault_schedule& schedule,
                                              std::uint64_t seed = 0);

}  // namespace braid::sim
