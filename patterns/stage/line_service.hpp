#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <thread>

#include <braid/core/stop_token.hpp>
#include <braid/net/tcp.hpp>
#include <braid/style/task.hpp>

namespace stage {

/// Gives the answer to a line; the client gets the text of an exception.
using answer_fn = std::function<braid::task<std::string>(std::string line)>;

/// Serves on this loop until it is stopped: the client sends a line, gets a line, and the connection ends.
/// Cancel  stops the answers in progress and waits for them: nothing refers to the function afterwards.
[[nodiscard]] braid::task<> serve(braid::tcp::listener door, const answer_fn& answer);

/// The same as a TCP service on loopback.
///
/// Lifetime  serves from construction to destruction.
/// Threads   has its own thread and loop, so that a blocking client can wait for it.
class line_service : braid::pinned {
 public:
  using answer_fn = stage::answer_fn;

  explicit line_service(answer_fn answer);
  ~line_service();
  [[nodiscard]] const braid::endpoint& address() const noexcept { return address_; }

 private:
  void keep_serving(braid::tcp::listener door) noexcept;

  const answer_fn answer_;
  braid::endpoint address_;
  braid::stop_source closing_;
  std::thread thread_;
};

/// The service refused the request; what() is the reason.
struct refused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Asks the service at an endpoint. Throws refused, or std::system_error.
[[nodiscard]] braid::task<std::string> ask(braid::endpoint at, std::string line);

}  // namespace stage
