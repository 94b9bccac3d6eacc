#pragma once

#include <cstdint>

#include "braid/loop/request.hpp"

namespace braid::detail::stepwise {

/// Calls that would keep a thread in one system call until another process acts, made in steps that do not
/// block. Between the steps the thread asks, some 200 times a second, whether the request is still
/// `wanted`. So no thread is left behind, and it is known how much was moved.
using still_wanted = bool() noexcept;

/// Opens a FIFO for reading or for writing, once its other end is open. -ECANCELED when it is no longer
/// wanted.
[[nodiscard]] std::int32_t open_fifo(const request& what, still_wanted& wanted) noexcept;
/// Writes to a terminal as fast as it takes the bytes, until all are written or the write is no longer
/// wanted. Returns how many it took; -ECANCELED if none.
[[nodiscard]] std::int32_t write_to_terminal(const request& what, still_wanted& wanted) noexcept;

}  // namespace braid::detail::stepwise
