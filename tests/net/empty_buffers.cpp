// Operations with an empty buffer need nothing from the kernel: they end at once, whatever the peer does.

#include <string>

#include "braid/fs/file.hpp"
#include "braid/net/tcp.hpp"
#include "braid/net/udp.hpp"
#include "catch.hpp"
#include "descriptors.hpp"
#include "every_style.hpp"
#include "net/connection.hpp"

using namespace braid;
using namespace braid_tests;

TEST_CASE("stream: reads and writes of no bytes do nothing, with a silent or closed peer", "[net][tcp]") {
  IN_EVERY_STYLE(style);
  loop here;
  connection both = connected_pair(style);
  std::string none, room(4, '?');
  const auto all_end = [&] {
    CHECK(style.wait(both.near.read_some(none)).value() == 0);
    CHECK(style.wait(both.near.read_exactly(none)));
    CHECK(style.wait(both.near.write_some("")).value() == 0);
    CHECK(style.wait(both.near.write_all("")));
  };
  all_end();
  CHECK(style.wait(both.far.write_all("word")));
  all_end();
  CHECK(style.wait(both.near.read_exactly(room)));
  CHECK(room == "word");
  all_end();
  CHECK(style.wait(both.far.close()));
  all_end();
}

TEST_CASE("stream: on a closed stream even a transfer of no bytes is an error", "[net][tcp]") {
  IN_EVERY_STYLE(style);
  std::string none;
  const tcp::stream closed;
  CHECK(style.wait(closed.read_some(none)).error() == std::errc::bad_file_descriptor);
  CHECK(style.wait(closed.read_exactly(none)).error() == std::errc::bad_file_descriptor);
  CHECK(style.wait(closed.write_some("")).error() == std::errc::bad_file_descriptor);
  CHECK(style.wait(closed.write_all("")).error() == std::errc::bad_file_descriptor);
}

TEST_CASE("file: an empty read of a silent pipe ends at once", "[net][fs]") {
  IN_EVERY_STYLE(style);
  loop here;
  pipe_ends ends;
  const file reader = file::from_descriptor(ends.release_reader());
  std::string none, room(1, '?');
  auto waiting = spawn(reader.read_exactly(room));
  CHECK(style.wait(reader.read_some(none)).value() == 0);
  CHECK(style.wait(reader.read_exactly(none)));
  REQUIRE(::write(ends.writer(), "x", 1) == 1);
  CHECK(style.wait(std::move(waiting)));
  CHECK(style.wait(file().read_exactly(none)).error() == std::errc::bad_file_descriptor);
}

TEST_CASE("udp: an empty datagram is sent and received, and an empty buffer takes one", "[net][udp]") {
  IN_EVERY_STYLE(style);
  loop here;
  const udp::socket to = udp::bind_now(endpoint::loopback());
  const udp::socket from = udp::connect_now(to.local_endpoint());
  std::string none, room(8, '?');
  CHECK(style.wait(from.send("")));
  CHECK(style.wait(from.send("long")));
  CHECK(style.wait(from.send("last")));
  const udp::datagram first = style.wait(to.receive_from(room)).value();
  CHECK(first.size == 0);
  CHECK_FALSE(first.truncated);
  const udp::datagram second = style.wait(to.receive_from(none)).value();
  CHECK(second.size == 0);
  CHECK(second.truncated);
  CHECK(style.wait(to.receive_from(room)).value().size == 4);
  CHECK(room.substr(0, 4) == "last");
}
