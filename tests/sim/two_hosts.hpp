#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include "braid/combine/with_timeout.hpp"
#include "braid/loop/direct_calls.hpp"
#include "braid/net/tcp.hpp"
#include "braid/sim/world.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/start.hpp"
#include "catch.hpp"

namespace braid_tests {

inline constexpr braid::loop_clock::time_point start_of_time{};
/// The endpoint on which servers listen.
inline const braid::endpoint everywhere("0.0.0.0", 80);

inline std::string room(std::size_t size) { return std::string(size, '?'); }

/// The outcome of requests that have no sender of their own.
struct raw_outcome {
  using value_type = int;
  static constexpr const char* name() noexcept { return "raw"; }
  braid::result<int> operator()(std::int32_t ended, const braid::request&) const noexcept { return ended; }
};
using raw = braid::io_sender<raw_outcome>;

/// The events that ready() polls for.
inline constexpr std::uint32_t all_events = POLLIN | POLLOUT | POLLRDHUP;
inline raw ready(int socket) {
  return {{.code = braid::opcode::poll, .descriptor = socket, .flags = all_events}, {}};
}
inline raw shut(int socket, int how) {
  return {{.code = braid::opcode::shutdown, .descriptor = socket, .length = static_cast<std::uint32_t>(how)},
          {}};
}
/// Lifetime  the endpoint must outlive the operation.
inline raw connect_raw(int socket, const braid::endpoint& to) {
  return {{.code = braid::opcode::connect,
           .descriptor = socket,
           .address = const_cast<sockaddr*>(to.data()),
           .offset = to.size()},
          {}};
}
inline raw receive(int socket, std::string& into, unsigned flags) {
  return {{.code = braid::opcode::receive,
           .descriptor = socket,
           .address = into.data(),
           .length = static_cast<std::uint32_t>(into.size()),
           .flags = flags},
          {}};
}

/// The operation's value, or its errno with a minus sign.
template <class T>
int value_or_errno(const braid::result<T>& ended) {
  if (!ended) return -ended.error().code().value();
  if constexpr (std::is_convertible_v<T, int>)
    return static_cast<int>(*ended);
  else
    return 0;
}

/// Makes close send a reset. Call it on the current loop's host.
inline void reset_when_closed(const braid::tcp::stream& which) {
  const linger at_once{1, 0};
  REQUIRE(braid::direct_calls::current().set_option(which.number(), SOL_SOCKET, SO_LINGER, &at_once,
                                                    sizeof at_once) == 0);
}

/// A world with two hosts and a connection between them.
struct two_hosts {
  explicit two_hosts(braid::sim::network_options network = {}, std::uint64_t seed = 1)
      : world({.seed = seed, .network = network}),
        client(world.add_host("client")),
        server(world.add_host("server")) {}

  [[nodiscard]] braid::endpoint at_server() const { return {server.address(), everywhere.port()}; }
  [[nodiscard]] auto elapsed() const { return world.now() - start_of_time; }

  void listen(int backlog = SOMAXCONN) {
    listening = world.run_on(server, braid::tcp::listen(everywhere, {.backlog = backlog}));
  }
  braid::task<void> take_one() { far = co_await listening.accept(); }
  void connect() {
    listen();
    start_on(server, take_one());
    near = world.run_on(client, braid::tcp::connect(at_server()));
    world.run_until_idle();
    REQUIRE(far.is_open());
  }

  template <class S>
  void start_on(braid::sim::host& at, S&& op) {
    const braid::current_loop_scope there(&at.its_loop());
    braid::detach(std::forward<S>(op));
  }
  template <class S>
  int on(braid::sim::host& at, S&& op) {
    return value_or_errno(world.run_on(at, braid::as_result(std::forward<S>(op))));
  }
  // Writes until nothing more fits; returns how much was written.
  int fill(braid::sim::host& at, const braid::tcp::stream& to) {
    const std::string much(1 << 20, 'x');
    int written = 0;
    for (;;) {
      const int got = on(at, braid::with_timeout(to.write_some(much), std::chrono::seconds(1)));
      if (got < 0) return written;
      written += got;
    }
  }
  int ready_at(braid::sim::host& at, const braid::tcp::stream& which) {
    return on(at, ready(which.number()));
  }

  // Closes the stream with a reset.
  void resets(braid::sim::host& at, braid::tcp::stream& which) {
    {
      const braid::current_loop_scope there(&at.its_loop());
      reset_when_closed(which);
    }
    REQUIRE(on(at, which.close()) == 0);
  }

  braid::sim::world world;
  braid::sim::host& client;
  braid::sim::host& server;
  braid::tcp::listener listening;
  braid::tcp::stream near, far;  // the ends of the client and the server
};

}  // namespace braid_tests
