#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "braid/loop/clock.hpp"
#include "braid/process/child.hpp"
#include "braid/process/spawn.hpp"
#include "braid/style/task.hpp"

namespace braid::process {

/// Starts a program and waits until it has ended. A sender of exit_status.
///
///     auto copying = process::run({"cp", "/tmp/page", "/tmp/copy"});
///     const process::exit_status how = co_await std::move(copying);
///     if (!how.is_success()) log("not copied");
///
/// Errors  those of spawn; invalid_argument for a pipe, which nobody would read or write. A program that
///         fails is no error: see its exit_status.
/// Cancel  sends SIGTERM, and SIGKILL if the process has not ended within the grace period; ends once it has.
[[nodiscard]] task<exit_status> run(std::vector<std::string> arguments, spawn_options how,
                                    loop_clock::duration grace = std::chrono::seconds(5));

[[nodiscard]] task<exit_status> run(std::vector<std::string> arguments);

}  // namespace braid::process
