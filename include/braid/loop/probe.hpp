#pragma once

#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace braid {

/// A report of what io_uring offers a loop in this process, found by setting up a ring, not from a version.
///
///     const io_uring_report found = probe_io_uring();
///     if (!found.usable()) log(found.cause + ": " + found.remedy);
struct io_uring_report {
  /// A flag of io_uring_setup(2), and whether the kernel takes it.
  struct setup_flag {
    std::string_view name;  ///< "IORING_SETUP_SINGLE_ISSUER"
    bool taken = false;  ///< false: the kernel refuses it, or refuses an older flag and so was not asked
  };

  std::error_code refused;  ///< the error that the loop's constructor would throw; none if a ring was made
  std::string cause;  ///< why the ring was refused
  std::string remedy;  ///< how to get one

  std::vector<setup_flag> setup_flags;  ///< the optional flags; empty when refused
  bool ring_registered = false;  ///< is the ring's descriptor registered? It makes io_uring_enter cheaper
  std::vector<std::string_view> lacking_operations;  ///< the blocking pool carries these out

  [[nodiscard]] bool usable() const noexcept { return !refused; }
};

/// Sets up a ring, asks it, and closes it again.
///
///     if (!probe_io_uring().usable()) log("loops run on epoll here");
///
/// Threads  any; no loop is needed.
/// Cost     some ten microseconds.
[[nodiscard]] io_uring_report probe_io_uring();

}  // namespace braid
