#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "braid/base/error.hpp"
#include "braid/base/pinned.hpp"
#include "braid/base/result.hpp"
#include "braid/base/unique_function.hpp"
#include "braid/combine/scope.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/core/sender.hpp"
#include "braid/core/stop_token.hpp"
#include "braid/loop/clock.hpp"
#include "braid/loop/descriptor.hpp"
#include "braid/net/detail/served.hpp"
#include "braid/net/serve_options.hpp"
#include "braid/net/stream_socket.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/get_stop_token.hpp"
#include "braid/style/task.hpp"
#include "braid/sync/event.hpp"
#include "braid/sync/semaphore.hpp"

namespace braid::detail {

// What serve keeps beside its scope: the places for connections, and how it gets over a shortage of
// descriptors. It holds one descriptor in reserve. When there is none left, it gives that one up, accepts a
// client with it and closes the connection, so that the client knows.
class server_state : braid::pinned {
 public:
  server_state(const char* call, std::shared_ptr<served> all, serve_options how);

  [[nodiscard]] const std::shared_ptr<served>& all() const noexcept { return all_; }
  [[nodiscard]] semaphore& places() noexcept { return places_; }
  /// An accept has failed. Throws unless the next one may succeed; waits until it is worth trying.
  [[nodiscard]] task<> get_over(error why);
  /// Whether the server keeps this client; if not, its connection is closed.
  [[nodiscard]] task<bool> may_keep(stream_socket& client);
  /// Spawns what make() returns.
  template <class F>
  void begin(scope& connections, F make) {
    std::optional<error> failed;
    try {
      connections.spawn(make());
    } catch (...) {
      failed = error::current();
    }
    if (failed) report(*failed);
  }
  void connection_ended() noexcept { freed_.set(); }
  void report(const error& why) { on_error_(why); }

 private:
  void shortage_ends() noexcept;

  const std::shared_ptr<served> all_;
  semaphore places_;
  unique_function<void(const error&)> on_error_;
  auto_reset_event freed_;  // one of the connections has ended
  descriptor reserve_;
  bool uses_reserve_ = false;
  bool reported_ = false;
  loop_clock::duration pause_;
};

template <class Handler, class Stream>
concept handles = std::invocable<Handler&, Stream> || std::invocable<Handler&, Stream, stop_token>;

template <class Handler, class Stream>
auto call_handler(Handler& handler, Stream client, [[maybe_unused]] stop_token closing) {
  if constexpr (std::invocable<Handler&, Stream, stop_token>)
    return handler(std::move(client), closing);
  else
    return handler(std::move(client));
}

template <class Handler, class Stream>
task<> serve_one(Handler& handler, Stream client, semaphore::permit, server_state& state) {
  static_assert(sender<decltype(call_handler(handler, std::move(client), stop_token()))>,
                "serve: the handler takes a stream and returns a sender, such as a task<>");
  const served::part counted(state.all(), served::kind::connection);
  const stop_token stop = co_await get_stop_token();
  std::optional<error> failed;
  try {
    co_await call_handler(handler, std::move(client), state.all()->closing.get_token());
  } catch (...) {
    failed = error::current();
  }
  state.connection_ended();
  if (!failed) co_return;
  const bool stopped = stop.stop_requested() && *failed == std::errc::operation_canceled;
  if (!stopped && !failed->is_requested_cancellation()) state.report(*failed);
  if (stop.stop_requested()) failed->rethrow();  // it was cut short, and so is the server
}

// tcp::serve and its like.
template <class Stream, class Listener, class Handler>
task<> serve_all(const char* call, const Listener& at, Handler handler, serve_options how) {
  server_state state(call, at.served(), std::move(how));
  const auto accept_all = [&](scope& connections) -> task<> {
    const served::part accepting(state.all(), served::kind::accept_loop);
    auto clients = at.incoming();
    for (;;) {
      semaphore::permit place = co_await state.places().acquire();
      auto next = as_result(clients.next());
      result<Stream> client = co_await std::move(next);
      if (!client && !at.is_open()) co_return;
      if (!client)
        co_await state.get_over(client.error());
      else if (co_await state.may_keep(*client))
        state.begin(connections, [&] {
          return serve_one<Handler, Stream>(handler, *std::move(client), std::move(place), state);
        });
    }
  };
  auto serving = with_stop_token(with_scope(accept_all), state.all()->cut.get_token());
  co_await std::move(serving);
}

}  // namespace braid::detail
