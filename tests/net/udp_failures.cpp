// Bad input to the UDP sockets: in each style the same code, a message that names call and endpoint, and no
// leak.

#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <string>
#include <utility>

#include "braid/net/udp.hpp"
#include "catch.hpp"
#include "check_fails.hpp"
#include "descriptors.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;

TEST_CASE("udp::bind: fails for an endpoint that is taken or not of this machine", "[net][failure]") {
  IN_EVERY_STYLE(style);
  const udp::socket there = udp::bind_now(endpoint::loopback());
  const endpoint taken = there.local_endpoint();
  check_fails(style, udp::bind(taken), std::errc::address_in_use, "udp::bind", taken.to_string());
  check_fails(style, udp::bind(endpoint("192.0.2.1", 0)), std::errc::address_not_available, "udp::bind",
              "192.0.2.1:0");
}

TEST_CASE("udp: an endpoint of another family is an error", "[net][failure]") {
  IN_EVERY_STYLE(style);
  loop here;
  const udp::socket near = udp::bind_now(endpoint::loopback());
  check_fails(style, near.send_to("x", endpoint("::1", 9)), std::errc::address_family_not_supported,
              "socket::send_to", "[::1]:9");
}

TEST_CASE("udp: a send without a peer, or to port 0, is an error", "[net][failure]") {
  IN_EVERY_STYLE(style);
  loop here;
  const udp::socket near = udp::bind_now(endpoint::loopback());
  check_fails(style, near.send("x"), std::errc::destination_address_required, "socket::send",
              near.local_endpoint().to_string());
  check_fails(style, near.send_to("x", endpoint::loopback()), std::errc::invalid_argument, "socket::send_to",
              "127.0.0.1:0");
  CHECK_THROWS_WITH(near.peer_endpoint(), contains("socket::peer_endpoint"));
}

TEST_CASE("udp: every operation on a closed or moved-from socket fails", "[net][failure]") {
  IN_EVERY_STYLE(style);
  std::array<char, 8> room{};
  udp::socket none = udp::bind_now(endpoint::loopback());
  const udp::socket other = std::move(none);
  const auto bad = std::errc::bad_file_descriptor;
  check_fails(style, none.send("x"), bad, "socket::send", "descriptor -1");
  check_fails(style, none.send_to("x", other.local_endpoint()), bad, "socket::send_to", "127.0.0.1:");
  check_fails(style, none.receive(room), bad, "socket::receive", "descriptor -1");
  check_fails(style, none.receive_from(room), bad, "socket::receive_from", "descriptor -1");
  check_fails(style, none.close(), bad, "close", "descriptor -1");
  CHECK_THROWS_AS(none.local_endpoint(), std::system_error);
  CHECK_THROWS_AS(none.peer_endpoint(), std::system_error);
}

TEST_CASE("udp: a pipe's descriptor is an error", "[net][failure]") {
  IN_EVERY_STYLE(style);
  loop here;
  pipe_ends ends;
  std::array<char, 8> room{};
  const auto wrong = udp::socket::from_descriptor(ends.release_reader());
  check_fails(style, wrong.receive(room), std::errc::not_a_socket, "socket::receive", "pipe");
  check_fails(style, wrong.send("x"), std::errc::not_a_socket, "socket::send", "pipe");
}

TEST_CASE("udp: a sender without an IP endpoint is an error", "[net][failure]") {
  IN_EVERY_STYLE(style);
  loop here;
  std::array<int, 2> pair{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair.data()) == 0);
  const auto near = udp::socket::from_descriptor(pair[0]), far = udp::socket::from_descriptor(pair[1]);
  sockaddr_un automatic{};
  automatic.sun_family = AF_UNIX;
  REQUIRE(::bind(near.number(), reinterpret_cast<sockaddr*>(&automatic), sizeof automatic.sun_family) == 0);
  CHECK(style.wait(near.send("x")));
  std::array<char, 8> room{};
  check_fails(style, far.receive_from(room), std::errc::address_family_not_supported, "socket::receive_from",
              "@");
}

TEST_CASE("udp: fails at the limit of open descriptors", "[net][failure]") {
  IN_EVERY_STYLE(style);
  if (!style.works_in_child()) return;
  const auto ended = in_child([&] {
    loop here;
    const udp::socket there = udp::bind_now(endpoint::loopback());
    leave_no_descriptors();
    expect_in_child(style, udp::bind(endpoint::loopback()), std::errc::too_many_files_open);
    expect_in_child(style, udp::connect(there.local_endpoint()), std::errc::too_many_files_open);
  });
  CHECK(ended.errors == "");
  CHECK(ended.exit_status() == 0);
}
