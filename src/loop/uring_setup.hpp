#pragma once

#include <liburing.h>

#include <bitset>
#include <string>

namespace braid::detail {

/// What this kernel's io_uring can do, found by setting up a ring.
struct ring_features {
  unsigned setup_flags = 0;    ///< the optional IORING_SETUP_ flags that the kernel took
  bool registered = false;     ///< the ring's descriptor is registered, which makes io_uring_enter cheaper
  bool taskrun_flag = false;   ///< the kernel sets a flag when deferred work waits
  std::bitset<256> operations;  ///< the IORING_OP_ codes that it knows
  [[nodiscard]] bool supports(unsigned operation) const noexcept { return operations[operation]; }
};

/// Why the kernel refuses a ring, and how to get one.
struct ring_refusal {
  std::string cause, remedy;
};
/// Explains an errno of io_uring_setup.
[[nodiscard]] ring_refusal explain_refusal(int code);

/// Makes a ring with every optional flag that this kernel takes.
/// Errors  std::system_error that names the cause of the refusal and its remedy.
[[nodiscard]] ring_features set_up_ring(io_uring& ring, unsigned entries);
/// Closes a ring made by set_up_ring.
void end_ring(io_uring& ring) noexcept;

}  // namespace braid::detail
