#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

#include <braid/net/endpoint.hpp>
#include <braid/net/tcp.hpp>
#include <braid/style/task.hpp>

namespace thread_per_request {

/// Sends one request over a connection, and returns the content of the answer.
[[nodiscard]] braid::task<std::string> ask_once(braid::tcp::stream& server, std::string target);

/// Many clients at once, each with a connection of its own: it asks, waits for the answer, and asks again.
struct crowd {
  std::size_t connections = 10;
  std::chrono::milliseconds lasts{500};  // nobody begins another request afterwards
  /// Called once all are connected, and again when they have all their answers, before they leave.
  std::function<void()> connected, answered;
};

/// What the clients have seen.
struct seen {
  std::size_t answers = 0;
  std::size_t refused = 0;  // connections that the server ended
  std::chrono::duration<double> elapsed{};  // until the last answer
};

[[nodiscard]] braid::task<seen> visit(braid::endpoint at, crowd who);

/// Raises the limit of open descriptors as far as this process may.
void allow_many_descriptors();

}  // namespace thread_per_request
