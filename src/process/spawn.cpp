#include "braid/process/spawn.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <system_error>
#include <utility>

#include "braid/base/pinned.hpp"
#include "braid/loop/loop.hpp"
#include "braid/schedule/offload.hpp"
#include "made_of.hpp"

namespace braid::process {

namespace {

using kind = redirection::kind;

constexpr int first_other = STDERR_FILENO + 1;

void check(int code, const std::string& program) {
  if (code != 0)
    braid::error(std::error_code(code, std::generic_category()), "process::spawn", program).rethrow();
}

// Above the standard streams, so that no dup2 for one of these replaces it.
descriptor copy_of(int number, const std::string& program) {
  const int made = ::fcntl(number, F_DUPFD_CLOEXEC, first_other);
  check(made < 0 ? errno : 0, program);
  return descriptor(made);
}

class file_actions : pinned {
 public:
  file_actions() { check(::posix_spawn_file_actions_init(&all_), "file actions"); }
  ~file_actions() { ::posix_spawn_file_actions_destroy(&all_); }
  [[nodiscard]] posix_spawn_file_actions_t* get() noexcept { return &all_; }

 private:
  posix_spawn_file_actions_t all_;
};

// No signal is blocked, and none ignored.
class attributes : pinned {
 public:
  attributes() {
    check(::posix_spawnattr_init(&all_), "attributes");
    sigset_t signals;
    ::sigemptyset(&signals);
    ::posix_spawnattr_setsigmask(&all_, &signals);
    ::sigfillset(&signals);
    ::posix_spawnattr_setsigdefault(&all_, &signals);
    ::posix_spawnattr_setflags(&all_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~attributes() { ::posix_spawnattr_destroy(&all_); }
  [[nodiscard]] posix_spawnattr_t* get() noexcept { return &all_; }

 private:
  posix_spawnattr_t all_;
};

// One of the three streams of the new process.
class standard_stream {
 public:
  standard_stream(int number, const redirection& to, const std::string& program) : number_(number) {
    if (to.where() == kind::descriptor) theirs_ = copy_of(to.descriptor(), program);
    if (to.where() != kind::pipe) return;
    std::array<int, 2> ends;
    check(::pipe2(ends.data(), O_CLOEXEC) != 0 ? errno : 0, program);
    const descriptor reader(ends[0]), writer(ends[1]);
    theirs_ = copy_of(number == STDIN_FILENO ? reader.number() : writer.number(), program);
    ours_ = file::from_descriptor(
        copy_of(number == STDIN_FILENO ? writer.number() : reader.number(), program).release());
  }
  void add_to(file_actions& all, const redirection& to, const std::string& program) const {
    const int access = number_ == STDIN_FILENO ? O_RDONLY : O_WRONLY;
    if (theirs_.is_open())
      check(::posix_spawn_file_actions_adddup2(all.get(), theirs_.number(), number_), program);
    else if (to.where() == kind::to_output)
      check(::posix_spawn_file_actions_adddup2(all.get(), STDOUT_FILENO, number_), program);
    else if (to.where() == kind::null)
      check(::posix_spawn_file_actions_addopen(all.get(), number_, "/dev/null", access, 0), program);
  }
  [[nodiscard]] file ours() noexcept { return std::move(ours_); }

 private:
  const int number_;
  descriptor theirs_;
  file ours_;
};

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& each : texts) all.push_back(each.data());
  all.push_back(nullptr);
  return all;
}

bool has_zero(const std::string& text) noexcept { return text.find('\0') != text.npos; }

void check_arguments(const std::vector<std::string>& arguments, const spawn_options& how) {
  if (arguments.empty()) check(EINVAL, "without arguments");
  bool wrong = has_zero(how.directory.native());
  for (const std::string& each : arguments) wrong |= has_zero(each);
  if (how.environment)
    for (const std::string& each : *how.environment) wrong |= has_zero(each);
  const std::string program = arguments.front().c_str();  // up to a zero byte
  if (wrong) check(EINVAL, program + " (a zero byte in an argument, the environment or the directory)");
  if (how.input.where() == kind::to_output || how.output.where() == kind::to_output)
    check(EINVAL, program + " (to_output is for the standard error)");
}

// Keeps a descriptor for the handle of the process, so that no program begins that would be killed at once
// for lack of one.
descriptor reserve(const std::string& program) {
  const int made = ::eventfd(0, EFD_CLOEXEC);
  check(made < 0 ? errno : 0, program);
  return descriptor(made);
}

// On a thread of the blocking pool: posix_spawn returns once the program runs, or has failed to.
child start(std::vector<std::string> arguments, spawn_options how) {
  check_arguments(arguments, how);
  const std::string program =
      how.directory.empty() ? arguments.front() : arguments.front() + " in " + how.directory.native();
  standard_stream input(STDIN_FILENO, how.input, program), output(STDOUT_FILENO, how.output, program),
      error(STDERR_FILENO, how.error, program);
  file_actions actions;
  input.add_to(actions, how.input, program);
  output.add_to(actions, how.output, program);
  error.add_to(actions, how.error, program);
  check(::posix_spawn_file_actions_addclosefrom_np(actions.get(), first_other), program);
  if (!how.directory.empty())
    check(::posix_spawn_file_actions_addchdir_np(actions.get(), how.directory.c_str()), program);
  attributes with;
  const std::vector<char*> words = pointers_to(arguments);
  std::vector<char*> environment;
  if (how.environment) environment = pointers_to(*how.environment);
  pid_t pid = -1;
  descriptor reserved = reserve(program);
  check(::posix_spawnp(&pid, words.front(), actions.get(), with.get(), words.data(),
                       how.environment ? environment.data() : ::environ),
        program);
  reserved = {};
  return made_of(pid, input.ours(), output.ours(), error.ours());
}

}  // namespace

task<child> spawn(std::vector<std::string> arguments, spawn_options how) {
  if (loop::current("process::spawn").operations().simulates_threads())
    check(EOPNOTSUPP, arguments.empty() ? std::string() : arguments.front());
  auto starting = offload(start, std::move(arguments), std::move(how));
  co_return co_await std::move(starting);
}

task<child> spawn(std::vector<std::string> arguments) { return spawn(std::move(arguments), {}); }

}  // namespace braid::process
