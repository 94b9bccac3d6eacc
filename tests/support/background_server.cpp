#include "background_server.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include "catch.hpp"

namespace braid_tests {

namespace {

[[noreturn]] void throw_errno(const char* call) {
  throw std::system_error(errno, std::generic_category(), call);
}

// Starts a program with a pipe for what it prints. Returns the reader.
int start(const std::vector<std::string>& arguments, const server_user& as, pid_t& pid) {
  std::vector<char*> words;
  for (const std::string& each : arguments) words.push_back(const_cast<char*>(each.c_str()));
  words.push_back(nullptr);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_errno("pipe2");
  pid = ::fork();
  if (pid < 0) throw_errno("fork");
  if (pid == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::dup2(ends[1], STDERR_FILENO);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (::geteuid() == 0 && as.user != 0 &&
        (::setgroups(0, nullptr) != 0 || ::setgid(as.group) != 0 || ::setuid(as.user) != 0))
      ::_exit(126);
    ::prctl(PR_SET_PDEATHSIG, SIGQUIT);  // behind setuid, which takes it back
    ::setenv("LC_ALL", "C", 1);
    if (::chdir("/") == 0) ::execv(words[0], words.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  return ends[0];
}

}  // namespace

std::string find_server(const std::string& program, const std::vector<std::string>& folders) {
  std::vector<std::string> all = folders;
  const char* path = std::getenv("PATH");
  std::istringstream parts(path == nullptr ? "" : path);
  for (std::string each; std::getline(parts, each, ':');) all.push_back(each);
  for (const std::string& each : all)
    if (std::string found = each + "/" + program; ::access(found.c_str(), X_OK) == 0) return found;
  return {};
}

void skip_without_server(const std::string& program, const std::string& package) {
  const std::string why = program + " is not installed; Debian's package is " + package;
  const char* needed = std::getenv("BRAID_NEED_SERVERS");
  if (needed != nullptr && std::string_view(needed) == "1") FAIL(why);
  WARN("skipped: " + why);
}

server_user::server_user(const std::vector<std::string>& names) : user(::geteuid()), group(::getegid()) {
  if (user != 0) return;
  for (const std::string& each : names)
    if (const passwd* found = ::getpwnam(each.c_str())) {
      user = found->pw_uid;
      group = found->pw_gid;
      return;
    }
}

void server_user::own(const std::string& path) const {
  if (::chown(path.c_str(), user, group) != 0) throw_errno("chown");
}

background_server::background_server(const std::vector<std::string>& arguments, const server_user& as,
                                     int end_signal)
    : output_(start(arguments, as, pid_)), end_signal_(end_signal) {}

background_server::~background_server() {
  ::kill(pid_, end_signal_);
  ::close(output_);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {}
}

bool background_server::read_once(bool waits) {
  pollfd one{output_, POLLIN, 0};
  if (::poll(&one, 1, waits ? -1 : 0) <= 0) return false;
  std::array<char, 4096> part;
  const ssize_t got = ::read(output_, part.data(), part.size());
  if (got > 0) said_.append(part.data(), static_cast<std::size_t>(got));
  return got > 0;
}

void background_server::wait_until_it_says(const std::string& text) {
  for (std::size_t at = said_.find(text); at == std::string::npos; at = said_.find(text))
    if (!read_once(true) && errno != EINTR) throw std::runtime_error("the server has ended: " + said_);
  said_.erase(0, said_.find(text) + text.size());
}

void background_server::drain() {
  while (read_once(false)) {}
  said_.clear();
}

void run_as(const std::vector<std::string>& arguments, const server_user& as) {
  pid_t pid = -1;
  const int output = start(arguments, as, pid);
  std::string said;
  std::array<char, 4096> part;
  for (ssize_t got = 1; got != 0;) {
    got = ::read(output, part.data(), part.size());
    if (got > 0) said.append(part.data(), static_cast<std::size_t>(got));
    if (got < 0 && errno != EINTR) break;
  }
  ::close(output);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
  if (status != 0) throw std::runtime_error(arguments[0] + " failed: " + said);
}

}  // namespace braid_tests
