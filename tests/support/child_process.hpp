#pragma once

#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "descriptors.hpp"

namespace braid_tests {

/// How a child process ended, and what it wrote.
struct child_end {
  int status = 0;  ///< of waitpid(2)
  std::string output;
  std::string errors;

  /// The exit status, or -1 when a signal ended it.
  [[nodiscard]] int exit_status() const noexcept { return WIFEXITED(status) ? WEXITSTATUS(status) : -1; }
  /// The signal that ended it, or 0.
  [[nodiscard]] int signal() const noexcept { return WIFSIGNALED(status) ? WTERMSIG(status) : 0; }
};

/// The exit status of a child whose function threw; `errors` then has what().
inline constexpr int threw = 99;

namespace detail {

// Reads both pipes until the child has closed them. It polls both, since a child blocks when one pipe is
// full.
inline void read_both(int output, std::string& output_text, int errors, std::string& errors_text) {
  std::array<pollfd, 2> from{pollfd{output, POLLIN, 0}, pollfd{errors, POLLIN, 0}};
  const std::array<std::string*, 2> into{&output_text, &errors_text};
  while (from[0].fd >= 0 || from[1].fd >= 0) {
    if (::poll(from.data(), from.size(), -1) < 0) continue;  // EINTR
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (from[i].revents == 0) continue;
      std::array<char, 4096> room;
      const ssize_t got = ::read(from[i].fd, room.data(), room.size());
      if (got > 0) into[i]->append(room.data(), static_cast<std::size_t>(got));
      if (got == 0) from[i].fd = -1;  // poll ignores negative descriptors
    }
  }
}

template <class F>
child_end forked(F&& in_child) {
  std::fflush(nullptr);
  pipe_ends output, errors;
  const pid_t child = ::fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (child == 0) {
    ::dup2(output.writer(), STDOUT_FILENO);
    ::dup2(errors.writer(), STDERR_FILENO);
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    const int code = in_child();
    std::fflush(nullptr);
    ::_exit(code);
  }
  output.close_writer();
  errors.close_writer();
  child_end ended;
  read_both(output.reader(), ended.output, errors.reader(), ended.errors);
  while (::waitpid(child, &ended.status, 0) < 0 && errno == EINTR) {}
  return ended;
}

}  // namespace detail

/// Runs f() in a forked copy of this process. If f returns an int, that is the exit status.
///
/// The child has only the calling thread, so f must not use a loop that was made before.
template <class F>
child_end in_child(F f) {
  return detail::forked([&f]() noexcept -> int {
    try {
      if constexpr (std::is_same_v<decltype(f()), int>)
        return f();
      else
        return f(), 0;
    } catch (const std::exception& e) {
      std::fprintf(stderr, "%s\n", e.what());
      return threw;
    }
  });
}

/// Runs a program with arguments; `environment` ("NAME=value") is added to this process's.
inline child_end run_program(const std::string& path, const std::vector<std::string>& arguments = {},
                             const std::vector<std::string>& environment = {}) {
  return detail::forked([&] {
    for (const std::string& each : environment) {
      const auto equals = each.find('=');
      ::setenv(each.substr(0, equals).c_str(), each.substr(equals + 1).c_str(), 1);
    }
    std::vector<char*> words{const_cast<char*>(path.c_str())};
    for (const std::string& each : arguments) words.push_back(const_cast<char*>(each.c_str()));
    words.push_back(nullptr);
    ::execv(path.c_str(), words.data());
    std::fprintf(stderr, "%s: %s\n", path.c_str(), std::generic_category().message(errno).c_str());
    return 127;
  });
}

/// The path of the program built from tests/crash/<name>.cpp.
inline std::string crash_program(const std::string& name) {
  const char* folder = std::getenv("BRAID_CRASH_DIR");
  if (folder == nullptr)
    throw std::runtime_error("BRAID_CRASH_DIR is not set; run the tests by `meson test`");
  return std::string(folder) + "/crash_" + name;
}

}  // namespace braid_tests
