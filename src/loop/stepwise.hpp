#pragma once

#include <cstdint>

#include "braid/loop/request.hpp"

namespace braid::detail::stepwise {

/// What would keep a thread inside one system call until another process does something, made in calls that
/// do not block. Between them the thread asks whether it still is `wanted`, some 200 times a second: so
/// nothing is left behind, and how much was moved is known.
using still_wanted = bool() noexcept;

/// Opens a FIFO for reading or for writing, once its other end is there. -ECANCELED when it is not wanted any
/// more.
[[nodiscard]] std::int32_t open_fifo(const request& what, still_wanted& wanted) noexcept;
/// Writes to a terminal as it takes it: what it took until it is not wanted any more; -ECANCELED for nothing.
[[nodiscard]] std::int32_t write_to_terminal(const request& what, still_wanted& wanted) noexcept;

}  // namespace braid::detail::stepwise
