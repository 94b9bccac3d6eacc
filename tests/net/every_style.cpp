// Sockets connected to each style directly, as in a program. The other tests put an any_sender in between.

#include "every_style.hpp"

#include <array>
#include <string>
#include <tuple>

#include "allocations.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/net/tcp.hpp"
#include "braid/net/udp.hpp"
#include "catch.hpp"

using namespace braid;
using namespace braid_tests;

TEMPLATE_LIST_TEST_CASE("sockets: every style connects, transfers bytes and sees the end",
                        "[net][tcp][exact]", every_style) {
  loop here;
  const auto listening = *TestType::wait(tcp::listen(endpoint::loopback()));
  auto accepted = spawn(listening.accept());
  auto near = TestType::wait(tcp::connect(listening.local_endpoint())).value();
  auto far = TestType::wait(std::move(accepted)).value();
  std::string room(4, '?');
  const auto once = [&] {
    const bool sent = TestType::wait(near.write_all("ping")).has_value();
    const bool got = TestType::wait(far.read_exactly(room)).has_value();
    return sent && got;
  };
  for (int i = 0; i < 100; ++i) REQUIRE(once());
  CHECK(room == "ping");
  const allocation_count count;
  for (int i = 0; i < 100; ++i) once();
  const std::size_t made = count.made();
  if (counts_allocations) CHECK(made == 0);
  CHECK(TestType::wait(near.shutdown_send()));
  CHECK(TestType::wait(far.read_some(room)).value() == 0);
  const auto short_of = TestType::wait(far.read_exactly(room));
  REQUIRE_FALSE(short_of);
  CHECK(short_of.error() == make_error_code(errc::end_of_stream));
  CHECK(TestType::wait(far.close()));
  CHECK(TestType::wait(near.close()));
}

TEMPLATE_LIST_TEST_CASE("sockets: every style reports failures", "[net][failure]", every_style) {
  loop here;
  const endpoint unused = [] { return run(tcp::listen(endpoint::loopback())).local_endpoint(); }();
  const auto refused = TestType::wait(tcp::connect(unused));
  REQUIRE_FALSE(refused);
  CHECK(refused.error() == std::errc::connection_refused);
  const udp::socket none{};
  std::string room(4, '?');
  const auto of_none = TestType::wait(none.receive_from(room));
  REQUIRE_FALSE(of_none);
  CHECK(of_none.error() == std::errc::bad_file_descriptor);
}

TEMPLATE_LIST_TEST_CASE(
    "sockets: every style exchanges datagrams, without allocations once the pools are warm",
    "[net][udp][exact]", every_style) {
  loop here;
  const udp::socket near = udp::bind_now(endpoint::loopback()), far = udp::bind_now(endpoint::loopback());
  const udp::socket client = udp::connect_now(far.local_endpoint());
  std::array<char, 8> room{};
  const auto once = [&] {
    TestType::wait(near.send_to("one", far.local_endpoint())).value();
    const bool from_near = TestType::wait(far.receive_from(room)).value().from == near.local_endpoint();
    TestType::wait(client.send("two")).value();
    return from_near && TestType::wait(far.receive(room)).value().size == 3;
  };
  for (int i = 0; i < 100; ++i) REQUIRE(once());
  const allocation_count count;
  for (int i = 0; i < 100; ++i) once();
  const std::size_t made = count.made();
  if (counts_allocations) CHECK(made == 0);
}
