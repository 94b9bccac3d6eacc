#pragma once

#include <liburing.h>

#include <bitset>
#include <string>

namespace braid::detail {

/// What this kernel's io_uring can do, as found by asking it.
struct ring_features {
  unsigned setup_flags = 0;    ///< those of the optional IORING_SETUP_ flags that the kernel took
  bool registered = false;     ///< the ring's own descriptor is registered: a cheaper io_uring_enter
  bool taskrun_flag = false;   ///< the kernel says when deferred work waits
  std::bitset<256> operations;  ///< the IORING_OP_ codes it knows
  [[nodiscard]] bool supports(unsigned operation) const noexcept { return operations[operation]; }
};

/// Why a kernel gives no ring, and what would help.
struct ring_refusal {
  std::string cause, remedy;
};
/// Of the errno that io_uring_setup failed with.
[[nodiscard]] ring_refusal explain_refusal(int code);

/// Makes a ring with every optional flag that this kernel takes; each that it refuses is dropped.
/// Errors  std::system_error that names the cause of the refusal and its remedy.
[[nodiscard]] ring_features set_up_ring(io_uring& ring, unsigned entries);
/// Takes down what set_up_ring made.
void end_ring(io_uring& ring) noexcept;

}  // namespace braid::detail
