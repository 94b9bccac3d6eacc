// Bad input to the sockets: in each style the same code, a message that names call and endpoint, and no leak.

#include <string>

#include "braid/loop/nop.hpp"
#include "braid/net/tcp.hpp"
#include "catch.hpp"
#include "check_fails.hpp"
#include "descriptors.hpp"
#include "every_style.hpp"
#include "net/connection.hpp"

using namespace braid;
using namespace braid_tests;

namespace {

// The endpoint of a listener that was just closed: connects to it are refused.
endpoint unused_endpoint() {
  loop here;
  return run(tcp::listen(endpoint::loopback())).local_endpoint();
}

}  // namespace

TEST_CASE("tcp::connect: an unused port is connection_refused", "[net][failure]") {
  IN_EVERY_STYLE(style);
  const endpoint unused = unused_endpoint();
  check_fails(style, tcp::connect(unused), std::errc::connection_refused, "tcp::connect", unused.to_string());
}

TEST_CASE("tcp::listen: fails for an endpoint that is taken or not of this machine", "[net][failure]") {
  IN_EVERY_STYLE(style);
  loop here;
  const auto listening = style.wait(tcp::listen(endpoint::loopback()));
  REQUIRE(listening);
  const endpoint taken = listening->local_endpoint();
  check_fails(style, tcp::listen(taken), std::errc::address_in_use, "tcp::listen", taken.to_string());
  check_fails(style, tcp::listen(endpoint("192.0.2.1", 0)), std::errc::address_not_available, "tcp::listen",
              "192.0.2.1:0");
}

TEST_CASE("stream: a reset by the peer is an error", "[net][failure]") {
  IN_EVERY_STYLE(style);
  loop here;
  std::string room(16, '?');
  {
    auto [near, far] = connected_pair(style);
    reset_peer_of(far);
    check_fails(style, near.read_some(room), std::errc::connection_reset, "stream::read_some", "127.0.0.1:");
    check_fails(style, near.write_all("x"), std::errc::broken_pipe, "stream::write_all", "127.0.0.1:");
  }
  {
    auto [near, far] = connected_pair(style);
    reset_peer_of(far);
    check_fails(style, near.read_exactly(room), std::errc::connection_reset, "stream::read_exactly",
                "127.0.0.1:");
  }
  {
    auto [near, far] = connected_pair(style);
    reset_peer_of(far);
    check_fails(style, near.write_some("x"), std::errc::connection_reset, "stream::write_some", "127.0.0.1:");
  }
}

TEST_CASE("stream: a reset by the peer ends a waiting read", "[net][failure]") {
  IN_EVERY_STYLE(style);
  loop here;
  std::string room(16, '?');
  auto [near, far] = connected_pair(style);
  start(nop(), [&peer = far](result<void>) { reset_peer_of(peer); });
  auto ended = style.wait(near.read_some(room));
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == std::errc::connection_reset);
}

TEST_CASE("stream: an early end of the peer is an error for read_exactly", "[net][failure]") {
  IN_EVERY_STYLE(style);
  loop here;
  std::string room(16, '?');
  auto [near, far] = connected_pair(style);
  const std::string peer = near.peer_endpoint().to_string();
  CHECK(style.wait(far.write_all("half")));
  CHECK(style.wait(far.close()));
  check_fails(style, near.read_exactly(room), make_error_code(errc::end_of_stream), "stream::read_exactly",
              peer);
  CHECK(room.substr(0, 4) == "half");
  CHECK(style.wait(near.read_some(room)).value() == 0);
}

TEST_CASE("stream: writing after shutdown is broken_pipe, and no signal", "[net][failure]") {
  IN_EVERY_STYLE(style);
  loop here;
  auto [near, far] = connected_pair(style);
  CHECK(style.wait(near.shutdown_send()));
  check_fails(style, near.write_some("x"), std::errc::broken_pipe, "stream::write_some", "127.0.0.1:");
  check_fails(style, near.write_all("x"), std::errc::broken_pipe, "stream::write_all", "127.0.0.1:");
}

TEST_CASE("stream, listener: every operation on a closed one fails", "[net][failure]") {
  IN_EVERY_STYLE(style);
  std::string room(16, '?');
  tcp::stream none;
  tcp::listener deaf;
  const auto bad = std::errc::bad_file_descriptor;
  check_fails(style, none.read_some(room), bad, "stream::read_some", "descriptor -1");
  check_fails(style, none.read_exactly(room), bad, "stream::read_exactly", "descriptor -1");
  check_fails(style, none.write_some("x"), bad, "stream::write_some", "descriptor -1");
  check_fails(style, none.write_all("x"), bad, "stream::write_all", "descriptor -1");
  check_fails(style, none.shutdown_send(), bad, "stream::shutdown_send", "descriptor -1");
  check_fails(style, deaf.accept(), bad, "listener::accept", "descriptor -1");
  check_fails(style, none.close(), bad, "close", "descriptor -1");
  CHECK_THROWS_AS(none.local_endpoint(), std::system_error);
  CHECK_THROWS_AS(none.peer_endpoint(), std::system_error);
  CHECK_THROWS_AS(deaf.local_endpoint(), std::system_error);
}

TEST_CASE("stream: a file's descriptor is an error", "[net][failure]") {
  IN_EVERY_STYLE(style);
  loop here;
  pipe_ends ends;
  std::string room(16, '?');
  const auto wrong = tcp::stream::from_descriptor(ends.release_reader());
  check_fails(style, wrong.read_some(room), std::errc::not_a_socket, "stream::read_some", "pipe");
  CHECK_THROWS_WITH(wrong.local_endpoint(), contains("stream::local_endpoint"));
}

TEST_CASE("tcp: fails at the limit of open descriptors", "[net][failure]") {
  IN_EVERY_STYLE(style);
  if (!style.works_in_child()) return;
  const auto ended = in_child([&] {
    loop here;
    const auto listening = *style.wait(tcp::listen(endpoint::loopback()));
    auto client = spawn(tcp::connect(listening.local_endpoint()));
    here.run(nop());
    leave_no_descriptors();
    expect_in_child(style, tcp::listen(endpoint::loopback()), std::errc::too_many_files_open);
    expect_in_child(style, tcp::connect(listening.local_endpoint()), std::errc::too_many_files_open);
    expect_in_child(style, listening.accept(), std::errc::too_many_files_open);
  });
  CHECK(ended.errors == "");
  CHECK(ended.exit_status() == 0);
}
