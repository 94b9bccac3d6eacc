#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

/// Servers of other projects, which tests start themselves from the system's packages.
namespace braid_tests {

/// The path of a program in PATH or in one of the folders; empty if there is none.
[[nodiscard]] std::string find_server(const std::string& program,
                                      const std::vector<std::string>& folders = {});

/// Says that a test is skipped for want of a server. With BRAID_NEED_SERVERS=1 that is a failure.
void skip_without_server(const std::string& program, const std::string& package);

/// The user as whom a server runs that refuses to run as root: one of these names, if this process is root's.
struct server_user {
  explicit server_user(const std::vector<std::string>& names);
  uid_t user;
  gid_t group;
  /// Gives the file or the folder to the user.
  void own(const std::string& path) const;
};

/// A server that runs while this object lives. It ends with this process, however that ends.
class background_server {
 public:
  /// Starts argv[0]. Its standard output and error are a pipe, which says() reads.
  background_server(const std::vector<std::string>& arguments, const server_user& as, int end_signal);
  background_server(const background_server&) = delete;
  background_server& operator=(const background_server&) = delete;
  /// Sends the end signal and waits.
  ~background_server();

  /// Waits until the server has printed the text since the last call, and throws what it said if it ends
  /// before.
  void wait_until_it_says(const std::string& text);
  /// Takes what it has printed off the pipe, so that the pipe has room.
  void drain();
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }

 private:
  bool read_once(bool waits);
  pid_t pid_ = -1;
  int output_ = -1;
  int end_signal_;
  std::string said_;
};

/// Runs a program to its end as that user; throws what it said if it fails.
void run_as(const std::vector<std::string>& arguments, const server_user& as);

}  // namespace braid_tests
