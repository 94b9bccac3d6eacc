// How much a transfer of a whole buffer had moved when it ended early.

#include <chrono>
#include <string>

#include "braid/combine/with_stop_token.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/fs/file.hpp"
#include "braid/loop/nop.hpp"
#include "braid/net/tcp.hpp"
#include "braid/sim/world.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "descriptors.hpp"
#include "every_style.hpp"
#include "net/connection.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

TEST_CASE("read_exactly: the error of a cancelled read says how much was read", "[net][stop]") {
  IN_EVERY_STYLE(style);
  loop here;
  connection both = connected_pair(style);
  std::string room(100, '?');
  CHECK(style.wait(both.far.write_all("second")));
  stop_source stop;
  auto reading = spawn(with_stop_token(both.near.read_exactly(room), stop.get_token()));
  while (readable_bytes_of(both.near.number()) != 0) here.run(nop());
  here.run(nop());  // the read has completed
  stop.request_stop();
  const auto stopped = style.wait(std::move(reading));
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error() == std::errc::operation_canceled);
  CHECK(stopped.error().transferred() == 6);
}

TEST_CASE("read_exactly: the error of a timed-out read says how much was read", "[net][stop]") {
  sim::world in(1);
  in.run_on(in.add_host("both"), [&in]() -> task<void> {
    const tcp::listener at = tcp::listen_now(endpoint::loopback());
    auto [near, far] = co_await when_all(tcp::connect(at.local_endpoint()), at.accept());
    in.faults().add({.what = sim::fault::short_read, .nth = 1});  // otherwise it gets all or nothing
    co_await far.write_all("first ");
    std::string room(1000, '?');
    const auto late = co_await as_result(with_timeout(near.read_exactly(room), 1s));
    CHECK_FALSE(late);
    CHECK(late.error() == std::errc::timed_out);
    CHECK(late.error().transferred() == 6);
    CHECK(room.substr(0, 7) == "first ?");
  }());
}

TEST_CASE("read_exactly: the error of an early end says how much was read", "[net]") {
  IN_EVERY_STYLE(style);
  loop here;
  connection both = connected_pair(style);
  CHECK(style.wait(both.far.write_all("half")));
  CHECK(style.wait(both.far.close()));
  std::string room(8, '?');
  const auto early = style.wait(both.near.read_exactly(room));
  REQUIRE_FALSE(early);
  CHECK(early.error() == make_error_code(errc::end_of_stream));
  CHECK(early.error().transferred() == 4);
}

TEST_CASE("read_exactly: a cancelled read of a pipe says how much was read and leaves the rest",
          "[net][fs][stop]") {
  IN_EVERY_STYLE(style);
  loop here;
  pipe_ends ends;
  const file reader = file::from_descriptor(ends.release_reader());
  REQUIRE(::write(ends.writer(), "abc", 3) == 3);
  std::string room(8, '?');
  stop_source stop;
  auto reading = spawn(with_stop_token(reader.read_exactly(room), stop.get_token()));
  while (readable_bytes_of(reader.number()) != 0) here.run(nop());
  here.run(nop());  // the read has completed
  stop.request_stop();
  const auto late = style.wait(std::move(reading));
  REQUIRE_FALSE(late);
  CHECK(late.error() == std::errc::operation_canceled);
  CHECK(late.error().transferred() == 3);
  REQUIRE(::write(ends.writer(), "def", 3) == 3);
  CHECK(style.wait(reader.read_some(room)).value() == 3);
  CHECK(room.substr(0, 3) == "def");
}

TEST_CASE("write_all: the error of a reset says how much was sent", "[net]") {
  IN_EVERY_STYLE(style);
  loop here;
  connection both = connected_pair(style);
  const std::string much(64 << 20, 'x');
  auto writing = spawn(both.near.write_all(much));
  std::string room(1000, '?');
  CHECK(style.wait(both.far.read_exactly(room)));
  reset_peer_of(both.far);
  const auto ended = style.wait(std::move(writing));
  REQUIRE_FALSE(ended);
  CHECK(ended.error().transferred() >= 1000);
  CHECK(ended.error().transferred() < much.size());
  // The exception has it, too.
  try {
    ended.error().rethrow();
  } catch (...) {
    CHECK(error::current().transferred() == ended.error().transferred());
  }
}
