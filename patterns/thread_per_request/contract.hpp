#pragma once

// What every model of a server gets, and the parts that they share.

#include <cstddef>
#include <string>
#include <utility>

#include <braid/braid.hpp>
#include <braid/http/server.hpp>

#include "database.hpp"

namespace thread_per_request {

using namespace braid;

/// A server answers each request with the backend's answer, until stop is requested.
struct service {
  database& from;
  stop_token closing;
  std::size_t threads = 200;  // of the pool
};

/// More than the default: ten thousand clients are the point here.
inline http::server_options for_many() {
  http::server_options how;
  how.limits.connections = how.overload.at_once = 100'000;
  return how;
}

/// Runs a server on this thread until stop is requested.
inline void run_until(const stop_token& closing, task<> serving) {
  const result<void> ended = run(as_result(with_stop_token(std::move(serving), closing)));
  if (!ended && !closing.stop_requested()) ended.error().rethrow();
}

}  // namespace thread_per_request
