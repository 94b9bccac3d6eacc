#pragma once

#include <cstdint>

#include "braid/loop/request.hpp"

namespace braid::detail {

/// Does the opcode concern files, so that a thread carries it out where it would block?
[[nodiscard]] bool needs_thread(opcode code) noexcept;

/// Makes the request as a plain blocking system call. Returns its result, or minus the errno.
/// For threads of the blocking pool, where the reactor cannot carry out the request itself.
[[nodiscard]] std::int32_t perform(const request& what) noexcept;

}  // namespace braid::detail
