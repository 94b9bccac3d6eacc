#pragma once

#include <cstdint>

#include "braid/loop/request.hpp"

namespace braid::detail {

/// Does the operation concern a file, so that a thread carries it out where it would block?
[[nodiscard]] bool needs_thread(opcode code) noexcept;

/// Makes the request as a plain blocking system call: its result, or minus the errno.
/// For reactors without the operation, on a thread that may block.
[[nodiscard]] std::int32_t perform(const request& what) noexcept;

}  // namespace braid::detail
