// The epoll reactor and sockets that connect, accept and end.

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/nop.hpp"
#include "braid/net/tcp.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "catch.hpp"
#include "child_process.hpp"
#include "epoll_requests.hpp"

namespace {

using namespace braid;
using namespace braid_tests;

TEST_CASE("epoll: on TCP bytes and an end that arrive together are both received", "[loop][epoll][net]") {
  loop home(on_epoll);
  const tcp::listener listening = tcp::listen_now(endpoint::loopback(), {.backlog = 4});
  for (int round = 0; round < 20; ++round) {
    auto [near, far] = home.run(when_all(tcp::connect(listening.local_endpoint()), listening.accept()));
    std::string room(16, '?');
    auto first = spawn(far.read_some(room));  // registers the socket, and waits
    home.run(nop());
    home.run(near.write_all(std::string("bye")));
    home.run(near.close());
    CHECK(home.run(std::move(first)) == 3);
    CHECK(home.run(far.read_some(room)) == 0);
    CHECK(home.run(far.read_some(room)) == 0);
  }
}

TEST_CASE("epoll: an end that arrives before the bytes are received is still seen after them",
          "[loop][epoll][net]") {
  loop home(on_epoll);
  const tcp::listener listening = tcp::listen_now(endpoint::loopback(), {.backlog = 4});
  auto [near, far] = home.run(when_all(tcp::connect(listening.local_endpoint()), listening.accept()));
  std::string room(16, '?');
  auto first = spawn(far.read_some(room));
  home.run(nop());
  home.run(near.write_all(std::string("1")));
  CHECK(home.run(std::move(first)) == 1);  // the socket stays registered, but no request waits
  home.run(near.write_all(std::string("23")));
  home.run(near.close());
  home.run(sleep_for(std::chrono::microseconds(1)));  // the events arrive while no request waits
  CHECK(home.run(far.read_some(room)) == 2);
  CHECK(home.run(far.read_some(room)) == 0);
}

TEST_CASE("epoll: a refused connect is an error, and the socket is blocking as before",
          "[loop][epoll][net]") {
  loop home(on_epoll);
  const auto gone = [] {
    const tcp::listener closed = tcp::listen_now(endpoint::loopback(), {.backlog = 1});
    return closed.local_endpoint();
  }();
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  asked connect({.code = opcode::connect,
                 .descriptor = socket,
                 .address = const_cast<sockaddr*>(gone.data()),
                 .offset = gone.size()});
  home.operations().submit(connect);
  turn_until(home, connect.result);
  CHECK(connect.result == -ECONNREFUSED);
  CHECK((::fcntl(socket, F_GETFL) & O_NONBLOCK) == 0);
  ::close(socket);
}

TEST_CASE("epoll: a waiting connect can be cancelled, and the socket is blocking as before",
          "[loop][epoll][net]") {
  loop home(on_epoll);
  // While a listener's backlog is full the kernel does not answer the handshake.
  const tcp::listener full = tcp::listen_now(endpoint::loopback(), {.backlog = 0});
  const endpoint at = full.local_endpoint();
  std::vector<int> sockets;
  std::vector<std::unique_ptr<asked>> connects;
  const auto another = [&] {
    sockets.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    connects.push_back(std::make_unique<asked>(request{.code = opcode::connect,
                                                       .descriptor = sockets.back(),
                                                       .address = const_cast<sockaddr*>(at.data()),
                                                       .offset = at.size()}));
    home.operations().submit(*connects.back());
    home.turn(false);
    home.turn(false);
  };
  do another();
  while (connects.back()->result && sockets.size() < 10);
  REQUIRE_FALSE(connects.back()->result);
  home.operations().cancel(*connects.back());
  CHECK_FALSE(connects.back()->result);
  turn_until(home, connects.back()->result);
  CHECK(connects.back()->result == -ECANCELED);
  CHECK((::fcntl(sockets.back(), F_GETFL) & O_NONBLOCK) == 0);
  for (const int each : sockets) ::close(each);
}

TEST_CASE("epoll: makes a listener nonblocking for good", "[loop][epoll][net]") {
  loop home(on_epoll);
  const tcp::listener listening = tcp::listen_now(endpoint::loopback(), {.backlog = 4});
  CHECK((::fcntl(listening.number(), F_GETFL) & O_NONBLOCK) == 0);
  auto [near, far] = home.run(when_all(tcp::connect(listening.local_endpoint()), listening.accept()));
  CHECK((::fcntl(listening.number(), F_GETFL) & O_NONBLOCK) != 0);
  CHECK((::fcntl(near.number(), F_GETFL) & O_NONBLOCK) == 0);
  CHECK((::fcntl(far.number(), F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE("epoll: accept without a free descriptor is an error, and succeeds once there is one",
          "[loop][epoll][net]") {
  const auto ended = braid_tests::in_child([] {
    loop home(on_epoll);
    const tcp::listener listening = tcp::listen_now(endpoint::loopback(), {.backlog = 4});
    const tcp::stream client = home.run(tcp::connect(listening.local_endpoint()));
    const rlimit none{static_cast<rlim_t>(client.number()) + 1, 1024};
    if (::setrlimit(RLIMIT_NOFILE, &none) != 0) return 1;
    const auto one = home.run(as_result(listening.accept()));
    asked many({.code = opcode::accept_many, .descriptor = listening.number()});
    home.operations().submit(many);
    turn_until(home, many.result);
    const rlimit enough{1024, 1024};
    if (::setrlimit(RLIMIT_NOFILE, &enough) != 0) return 2;
    if (one || one.error() != std::errc::too_many_files_open) return 3;
    if (many.result != -EMFILE) return 4;
    return home.run(listening.accept()).is_open() ? 0 : 5;
  });
  INFO(ended.errors);
  CHECK(ended.exit_status() == 0);
}

}  // namespace
