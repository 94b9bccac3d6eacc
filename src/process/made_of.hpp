#pragma once

#include <sys/types.h>

#include "braid/process/child.hpp"

namespace braid::process {

/// The object of a process that has begun. Throws where the system cannot give a handle of it; the process is
/// killed then.
[[nodiscard]] child made_of(pid_t pid, file input, file output, file error);

}  // namespace braid::process
