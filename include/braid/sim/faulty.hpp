#pragma once

#include <cstdint>
#include <memory>

#include "braid/loop/reactor.hpp"
#include "braid/sim/faults.hpp"

namespace braid::sim {

/// A reactor that injects the faults of a schedule on a real kernel. It decides about each request's fault
/// before it submits the request to the reactor `over`.
///
///     sim::fault_schedule faults;
///     faults.add({.what = sim::fault::interrupted, .probability = 0.5});
///     loop here({}, sim::faulty(make_reactor({}), faults));
///     log(here.run(read_file("/etc/hostname")));
///
/// A fault with an errno completes without asking the kernel; a short transfer asks it for fewer bytes; a
/// reset also shuts the socket down; a late completion is held back; a request that would block is submitted
/// later. A lost datagram completes as sent, whatever the kernel would say; a duplicated one is sent twice;
/// unlike in a simulated world, the sender of a delayed one waits.
///
/// Lifetime  the schedule outlives the loop. Rules may be added between two runs of it.
/// Threads   the loop's.
[[nodiscard]] std::unique_ptr<reactor> faulty(std::unique_ptr<reactor> over, fault_schedule& schedule,
                                              std::uint64_t seed = 0);

}  // namespace braid::sim
