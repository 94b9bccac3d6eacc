#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "braid/base/error.hpp"
#include "braid/base/result.hpp"
#include "braid/base/unique_function.hpp"
#include "braid/combine/scope.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/core/sender.hpp"
#include "braid/core/stop_token.hpp"
#include "braid/net/detail/server.hpp"
#include "braid/net/stream.hpp"
#include "braid/net/tcp.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/task.hpp"
#include "braid/sync/semaphore.hpp"

namespace braid::tcp {

/// How serve treats connections and errors.
///
///     tcp::serve_options few;
///     few.at_most = 100;
///     few.on_error = [](const error& why) { log(why.message()); };
struct serve_options {
  std::size_t at_most = 10'000;  ///< connections at a time; the others wait, most of them in the backlog
  /// Gets the failures of handlers, and the reason of a pause. By default they are printed to standard error,
  /// with their stacks, since a server should survive them.
  unique_function<void(const error&)> on_error{};
};

/// Accepts the connections of a listener and runs handler(stream) for each, as a child of its own scope.
///
///     task<> answer(tcp::stream client) { co_await client.write_all("hello\n"); }
///
///     const tcp::listener door = tcp::listen_now(endpoint::loopback(8080));
///     co_await tcp::serve(door, answer);  // until it is stopped or the listener is closed
///
/// A handler that fails ends its own connection, and on_error gets the error. When the process or the system
/// has no descriptor left, on_error gets that error once, and new clients are turned away, or kept waiting
/// until a descriptor is free: the server goes on.
///
/// If the listener is closed, serve accepts no more, and completes when all handlers have ended. A handler
/// that takes a stop_token after the stream gets one of which stop is requested when graceful_shutdown
/// begins: so a connection that waits for its next request can end, and one that is at work goes on.
///
///     task<> answer_all(tcp::stream client, stop_token closing) {
///       std::string request(64, ' ');
///       while (!closing.stop_requested()) {
///         co_await with_stop_token(client.read_exactly(request), closing);  // ends when the server closes
///         co_await client.write_all("hello\n");
///       }
///     }
///
/// Lifetime  the listener outlives it; handler is kept until the end.
/// Threads   one loop's.
/// Errors    those of accept(2) that concern the listener; std::invalid_argument if at_most is 0. An
///           exception of on_error ends the server.
/// Cancel    stops all handlers and waits for them; so does the deadline of graceful_shutdown.
/// Cost      one request for all connections, one block of the frame pool for each.
template <class Handler>
  requires std::invocable<Handler&, stream> || std::invocable<Handler&, stream, stop_token>
[[nodiscard]] task<> serve(const listener& at, Handler handler, serve_options how = {}) {
  detail::server_state state(at.served(), how.at_most, std::move(how.on_error));
  const auto accept_all = [&](scope& connections) -> task<> {
    const detail::served::part accepting(state.all(), detail::served::kind::accept_loop);
    auto clients = at.incoming();
    for (;;) {
      semaphore::permit place = co_await state.places().acquire();
      auto next = as_result(clients.next());
      result<stream> client = co_await std::move(next);
      if (!client && !at.is_open()) co_return;
      if (!client)
        co_await state.get_over(client.error());
      else if (co_await state.may_keep(*client))
        state.begin(connections,
                    [&] { return detail::serve_one(handler, *std::move(client), std::move(place), state); });
    }
  };
  auto serving = with_stop_token(with_scope(accept_all), state.all()->cut.get_token());
  co_await std::move(serving);
}

}  // namespace braid::tcp
