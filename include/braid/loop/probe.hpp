#pragma once

#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace braid {

/// What io_uring offers a loop in this process: found by setting a ring up and asking it, not from a version.
struct io_uring_report {
  struct setup_flag {
    std::string_view name;  ///< "IORING_SETUP_SINGLE_ISSUER"
    bool taken = false;  ///< false: the kernel has it not, or was not asked since a newer one needs it
  };

  std::error_code refused;  ///< what the loop's constructor would throw; none where a ring was made
  std::string cause;  ///< of the refusal
  std::string remedy;  ///< what would help against it

  std::vector<setup_flag> setup_flags;  ///< the optional ones, empty when refused
  bool ring_registered = false;  ///< the ring's own descriptor is: a cheaper io_uring_enter
  std::vector<std::string_view> lacking_operations;  ///< made by the blocking pool instead

  [[nodiscard]] bool usable() const noexcept { return !refused; }
};

/// Threads  any; needs no loop, and leaves nothing behind.
/// Cost     a ring made and thrown away, some ten microseconds.
[[nodiscard]] io_uring_report probe_io_uring();

}  // namespace braid
