#pragma once

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "braid/net/unix_address.hpp"
#include "braid/process/spawn.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "scratch_folder.hpp"

namespace braid_tests {

/// Is this program in PATH? If not, the test is left out, unless BRAID_NEED_SERVERS=1 makes that a failure.
inline bool has_server(const std::string& program) {
  const char* const path = std::getenv("PATH");
  std::string rest = path != nullptr ? path : "";
  while (!rest.empty()) {
    const std::size_t end = rest.find(':');
    const std::string folder = rest.substr(0, end);
    if (::access((folder + "/" + program).c_str(), X_OK) == 0) return true;
    rest = end == std::string::npos ? "" : rest.substr(end + 1);
  }
  const char* const needed = std::getenv("BRAID_NEED_SERVERS");
  if (needed != nullptr && std::string(needed) == "1") FAIL(program + " is not in PATH");
  WARN("skipped: " + program + " is not in PATH (./braid setup servers)");
  return false;
}

/// A redis-server in a folder of its own, on a socket there. It loses nothing that it has acknowledged.
class server_process {
 public:
  braid::task<> start() {
    std::vector<std::string> arguments{"redis-server", "--port",    "0",
                                       "--unixsocket", socket(),    "--dir",
                                       folder_.path(), "--save",    "",
                                       "--appendonly", "yes",       "--appendfsync",
                                       "always",       "--logfile", folder_ / "log"};
    child_ = co_await braid::process::spawn(std::move(arguments));
  }
  braid::task<> kill() {
    (void)child_->kill(SIGKILL);
    (void)co_await child_->wait();
    child_.reset();
  }
  void signal(int number) { (void)child_->kill(number); }
  [[nodiscard]] std::string socket() const { return folder_ / "socket"; }
  [[nodiscard]] braid::unix_domain::address at() const { return {socket()}; }

 private:
  scratch_folder folder_;
  std::optional<braid::process::child> child_;
};

}  // namespace braid_tests
