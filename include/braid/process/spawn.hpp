#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "braid/fs/file.hpp"
#include "braid/process/child.hpp"
#include "braid/style/task.hpp"

namespace braid::process {

/// Where a standard stream of a new process leads: inherit, null, pipe, to_output, or a file.
///
///     const file log_file = co_await open_file("/tmp/log", O_WRONLY | O_CREAT | O_APPEND);
///     const process::redirection there = log_file;
///
/// Lifetime  a file stays open until the process has begun.
class redirection {
 public:
  enum class kind : std::uint8_t { inherit, null, pipe, to_output, descriptor };
  redirection(kind where = kind::inherit) noexcept : kind_(where) {}
  redirection(const file& to) noexcept : kind_(kind::descriptor), descriptor_(to.number()) {}
  [[nodiscard]] kind where() const noexcept { return kind_; }
  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

 private:
  kind kind_;
  int descriptor_ = -1;
};

/// The stream of this process itself.
///
///     process::spawn_options how;
///     how.output = process::inherit;  // as by default
inline constexpr auto inherit = redirection::kind::inherit;
/// /dev/null.
///
///     process::spawn_options how;
///     how.error = process::null;
inline constexpr auto null = redirection::kind::null;
/// A pipe, whose other end the child object has.
///
///     process::spawn_options how;
///     how.output = process::pipe;
inline constexpr auto pipe = redirection::kind::pipe;
/// For the standard error: where the standard output leads.
///
///     process::spawn_options how;
///     how.error = process::to_output;
inline constexpr auto to_output = redirection::kind::to_output;

/// What a process gets from the one that starts it.
///
///     process::spawn_options how;
///     how.directory = "/tmp";
///     how.environment = {"LANG=C", "PATH=/usr/bin"};
struct spawn_options {
  redirection input{}, output{}, error{};
  std::filesystem::path directory{};  ///< where it starts; empty: where this process is
  std::optional<std::vector<std::string>> environment{};  ///< "NAME=value"; none: that of this process
};

/// Starts a program with its arguments, the first of which is its name: it is looked for in this process's
/// PATH unless it has a slash. A sender of child, which completes once the program runs.
///
///     auto listing = process::spawn({"ls", "-l"}, {.directory = "/tmp"});
///     process::child ls = co_await std::move(listing);
///     const process::exit_status how = co_await ls.wait();
///
/// Name the operation before the await, as here, or g++ 12 refuses the braces (docs/compilers.md).
///
/// The process has three descriptors, its standard streams, and no other one of this process's, whatever
/// their flags are. No signal is blocked in it, and all have their default actions. A relative path of a
/// program starts at `directory`.
///
/// Errors  those of execve(2), of the change of the directory and of pipe2(2), with the program's name;
///         invalid_argument without arguments, for a zero byte in a text, and for to_output in another place
///         than `error`; operation_not_supported in a simulated world. SIGCHLD must not be ignored.
/// Cancel  a process that has begun is the value in spite of the request.
/// Cost    a function on the blocking pool, and a descriptor for the process.
/// Source  posix_spawn(3), pidfd_open(2).
[[nodiscard]] task<child> spawn(std::vector<std::string> arguments, spawn_options how);
// No default argument: g++ 12 would destroy one twice that is made in a co_await expression.
[[nodiscard]] task<child> spawn(std::vector<std::string> arguments);

}  // namespace braid::process
