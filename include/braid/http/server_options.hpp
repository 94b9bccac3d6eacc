#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "braid/base/error.hpp"
#include "braid/base/unique_function.hpp"
#include "braid/http/request.hpp"
#include "braid/loop/clock.hpp"

namespace braid::http {

/// What a server accepts. A client that wants more is answered with the status beside the limit.
///
///     http::server_limits uploads;
///     uploads.body = 100 << 20;
struct server_limits {
  std::size_t target = 8 << 10;  ///< bytes of a request's target; 414
  std::size_t head = 32 << 10;  ///< bytes of a request line and all fields; 431
  std::size_t fields = 100;  ///< 431
  std::uint64_t body = 1 << 20;  ///< bytes; 413
  std::size_t requests_per_connection = 1'000'000;  ///< the last response says "Connection: close"
  /// At a time; 503. http::serve tells 64 clients at a time; those beyond wait in the listener's backlog for
  /// a place, or for their 503.
  std::size_t connections = 10'000;
};

/// How long a server waits for a client. A client that is late in a request is answered with 408; one that
/// has begun none, or that does not take its response, is disconnected.
///
///     http::server_deadlines patient;
///     patient.idle = 5min;
struct server_deadlines {
  loop_clock::duration head = std::chrono::seconds(10);  ///< from the first byte of a request's head
  loop_clock::duration body = std::chrono::seconds(30);  ///< for each 64 KiB that the handler waits for
  loop_clock::duration write = std::chrono::seconds(30);  ///< for each 64 KiB of a response
  loop_clock::duration idle = std::chrono::seconds(60);  ///< between two requests
  loop_clock::duration linger = std::chrono::seconds(2);  ///< for what is still under way at the end
};

/// How many requests a server works on. Those beyond are answered with 503 and Retry-After, so that the
/// others stay fast.
///
///     const http::server_overload few{.at_once = 50, .waiting = 100};
struct server_overload {
  std::size_t at_once = 10'000;  ///< handlers that run at a time
  std::size_t waiting = 10'000;  ///< requests that wait for a handler to end
  loop_clock::duration longest_wait = std::chrono::milliseconds(500);
  std::chrono::seconds retry_after{1};
};

/// A request that a server has answered, for the access log: to_common_log makes a line of it.
///
///     http::server_options how;
///     how.on_access = [](const http::access& done) {
///       log(done.asked.method + " " + done.asked.target + " " + std::to_string(done.status));
///     };
struct access {
  const request& asked;  ///< has an empty method if the request could not be read
  int status;
  std::uint64_t body_bytes;  ///< of the response
  loop_clock::duration took;  ///< from the request's head to the end of its response
};

/// The limits, deadlines and hooks of a server.
///
///     http::server_options how;
///     how.limits.body = 100 << 20;  // for uploads
///     how.on_error = [](const error& why) { log(why.message()); };
struct server_options {
  server_limits limits{};
  server_deadlines deadlines{};
  server_overload overload{};
  /// A client's "request-timeout-ms" bounds its handler: current_deadline() has it, and 504 answers when it
  /// is over.
  bool takes_deadlines = true;
  /// A client that shuts down its sending side is taken to have gone, since the two look the same: its
  /// handler is stopped. false: it is answered.
  bool end_of_input_is_gone = true;
  unique_function<void(const access&)> on_access{};
  /// Gets the failures of handlers. By default they are printed to standard error, with their stacks.
  unique_function<void(const error&)> on_error{};
};

}  // namespace braid::http
