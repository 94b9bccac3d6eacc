#pragma once

#include <liburing.h>

// What the kernel's interface has gained since the liburing of Debian 12 (2.3). The numbers are the kernel's and
// never change; whether this kernel knows them is probed.
namespace braid::kernel {

inline constexpr unsigned op_ftruncate = 55;  // Linux 6.9

}  // namespace braid::kernel
