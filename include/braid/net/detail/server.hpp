#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "braid/base/detail/frame_pool.hpp"
#include "braid/base/error.hpp"
#include "braid/base/pinned.hpp"
#include "braid/base/result.hpp"
#include "braid/base/unique_function.hpp"
#include "braid/combine/scope.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/core/async_stack.hpp"
#include "braid/core/detail/inner_receiver.hpp"
#include "braid/core/sender.hpp"
#include "braid/core/stop_token.hpp"
#include "braid/loop/clock.hpp"
#include "braid/loop/descriptor.hpp"
#include "braid/loop/detail/resident.hpp"
#include "braid/net/detail/served.hpp"
#include "braid/net/serve_options.hpp"
#include "braid/net/stream_socket.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/task.hpp"
#include "braid/sync/event.hpp"
#include "braid/sync/semaphore.hpp"

namespace braid::detail {

class server_state;

// A child of serve's scope: a connection that has a place, with the operation of its handler. It obeys the
// scope's token, so that it needs neither a stop_source of its own nor a future.
class served_connection final : resident, public pooled {
 public:
  static void begin(server_state& server, semaphore::permit place, task<> handler);
  ~served_connection();

  // For the handler, which ends on its home loop.
  void finish(result<void>&& how) noexcept;
  [[nodiscard]] stop_token child_stop_token() const noexcept;
  [[nodiscard]] async_frame* frame() const noexcept;

 private:
  served_connection(server_state& server, semaphore::permit place, task<> handler);
  void abandon() noexcept override { delete this; }

  server_state& server_;
  connected<task<>, inner_receiver<served_connection, void>> handler_;
};

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
  /// Begins the handler of a connection that has a place, unless the scope is stopped: then it is closed.
  template <class F>
  void begin(scope& connections, semaphore::permit place, F call_handler) {
    connections_ = &connections.join();
    std::optional<error> failed;
    try {
      if (connections_->admits())
        served_connection::begin(*this, std::move(place), call_handler());
      else
        refused();
    } catch (...) {
      failed = error::current();
    }
    if (failed) on_error_(*failed);
  }

 private:
  friend class served_connection;
  // A connection is closed because the scope is stopped.
  void refused() noexcept;
  // A handler has ended; its connection still has its place.
  void handler_ended(result<void> how) noexcept;
  void shortage_ends() noexcept;

  const std::shared_ptr<served> all_;
  scope_join* connections_ = nullptr;  // set with the first connection
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

template <class S>
task<> in_task(S op) {
  co_await std::move(op);
}

// Calls the handler of a connection. Its operation is a task in any case.
template <class Handler, class Stream>
task<> handle(Handler& handler, Stream client, stop_token closing) {
  using returned = decltype(call_handler(handler, std::move(client), closing));
  static_assert(sender<returned>, "serve: the handler takes a stream and returns a sender, such as a task<>");
  if constexpr (std::is_same_v<returned, task<>>)
    return call_handler(handler, std::move(client), closing);
  else
    return in_task(call_handler(handler, std::move(client), closing));
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
        state.begin(connections, std::move(place), [&] {
          return handle<Handler, Stream>(handler, *std::move(client), state.all()->closing.get_token());
        });
    }
  };
  auto serving = with_stop_token(with_scope(accept_all), state.all()->cut.get_token());
  co_await std::move(serving);
}

}  // namespace braid::detail
