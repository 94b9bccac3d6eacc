#include "braid/sim/faulty.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/fs/file.hpp"
#include "braid/fs/whole_file.hpp"
#include "braid/net/tcp.hpp"
#include "braid/net/udp.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "descriptors.hpp"
#include "scratch_folder.hpp"

using namespace braid;
using namespace std::chrono_literals;
using sim::fault;

namespace {

std::string long_text() {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += static_cast<char>('a' + i * i % 26);
  return text;
}

// Faults that every transfer must survive.
void add_mild_faults(sim::fault_schedule& to) {
  to.add({.what = fault::interrupted, .probability = 0.1});
  to.add({.what = fault::short_read, .probability = 0.3});
  to.add({.what = fault::short_write, .probability = 0.3});
  to.add({.what = fault::would_block, .probability = 0.1, .delay = 10us});
  to.add({.what = fault::late, .probability = 0.1, .delay = 10us});
}

task<std::string> through_tcp(std::string text) {
  tcp::listener at = co_await tcp::listen(endpoint("127.0.0.1", 0));
  const auto serve = [&at]() -> task<void> {
    tcp::stream peer = co_await at.accept();
    std::string piece(1000, '\0');
    for (;;) {
      const std::size_t got = co_await peer.read_some(piece);
      if (got == 0) break;
      co_await peer.write_all(std::string_view(piece).substr(0, got));
    }
    co_await peer.close();
  };
  std::string back(text.size(), '\0');
  const auto ask = [&at, &text, &back]() -> task<void> {
    tcp::stream to = co_await tcp::connect(at.local_endpoint());
    const auto send = [&]() -> task<void> {
      co_await to.write_all(text);
      co_await to.shutdown_send();
    };
    const auto receive = [&]() -> task<void> { co_await to.read_exactly(back); };
    co_await when_all(send(), receive());
    co_await to.close();
  };
  co_await when_all(serve(), ask());
  co_return back;
}

TEST_CASE("faulty: file operations survive short transfers and interruptions on the real kernel",
          "[sim][faulty]") {
  const braid_tests::scratch_folder folder;
  const std::string text = long_text();
  sim::fault_schedule faults;
  add_mild_faults(faults);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    loop here({}, sim::faulty(make_reactor({}), faults, seed));
    here.run(write_file(folder / "file", text));
    CHECK(here.run(read_file(folder / "file")) == text);
  }
  CHECK(faults.happened() > 20);
}

TEST_CASE("faulty: connections survive short transfers and interruptions", "[sim][faulty]") {
  const std::string text = long_text();
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    sim::fault_schedule faults;
    add_mild_faults(faults);
    loop here({}, sim::faulty(make_reactor({}), faults, seed));
    CHECK(here.run(through_tcp(text)) == text);
    CHECK(faults.happened() > 10);
  }
}

TEST_CASE("faulty: an errno reaches only its operation", "[sim][faulty]") {
  const braid_tests::scratch_folder folder;
  sim::fault_schedule faults;
  faults.add({.what = fault::io_error, .nth = 2, .only = opcode::write});
  faults.add({.what = fault::no_space, .nth = 4, .only = opcode::write});
  loop here({}, sim::faulty(make_reactor({}), faults));
  file to = here.run(open_file(folder / "file", O_WRONLY | O_CREAT));
  const std::string text = "text";
  CHECK(here.run(to.write_some(text)) == 4);
  CHECK(here.run(as_result(to.write_some(text))).error() == std::errc::io_error);
  CHECK(here.run(to.write_some(text)) == 4);
  CHECK(here.run(as_result(to.write_some(text))).error() == std::errc::no_space_on_device);
  CHECK(here.run(to.size()) == 8);
}

TEST_CASE("faulty: a held, late or shortened request can be cancelled", "[sim][faulty]") {
  for (const fault what : {fault::would_block, fault::late, fault::short_read}) {
    braid_tests::pipe_ends pipe;
    sim::fault_schedule faults;
    faults.add({.what = what, .probability = 1, .delay = 1h});
    loop here({}, sim::faulty(make_reactor({}), faults));
    std::string room(10, '\0');
    file from = file::from_descriptor(::dup(pipe.reader()));
    stop_source stop;
    auto reads = spawn(with_stop_token(from.read_some(room), stop.get_token()));
    stop.request_stop();
    CHECK(here.run(as_result(std::move(reads))).error() == std::errc::operation_canceled);
  }
}

TEST_CASE("faulty: a loop ends with faulty requests in flight", "[sim][faulty]") {
  braid_tests::pipe_ends pipe;
  std::vector<std::string> rooms(3, std::string(10, '\0'));
  sim::fault_schedule faults;
  faults.add({.what = fault::would_block, .nth = 1, .delay = 1h});
  faults.add({.what = fault::late, .nth = 2, .delay = 1h});
  faults.add({.what = fault::short_read, .nth = 3});
  loop here({}, sim::faulty(make_reactor({}), faults));
  std::vector<file> from;  // one file for each read, since reads of one descriptor take turns
  for (int i = 0; i < 3; ++i) from.push_back(file::from_descriptor(::dup(pipe.reader())));
  std::vector<future<std::size_t>> all;
  for (std::size_t i = 0; i < 3; ++i) all.push_back(spawn(from[i].read_some(rooms[i])));
  here.run(yield());
  CHECK(here.in_flight() == 3);
}

TEST_CASE("faulty: a close waits for held requests", "[sim][faulty]") {
  for (const fault what : {fault::would_block, fault::late}) {
    braid_tests::pipe_ends pipe;
    sim::fault_schedule faults;
    faults.add({.what = what, .nth = 1, .delay = 1h});
    loop here({}, sim::faulty(make_reactor({}), faults));
    std::string room(10, '\0');
    file from = file::from_descriptor(::dup(pipe.reader()));
    auto reads = spawn(from.read_some(room));
    here.run(yield());
    here.run(from.close());
    REQUIRE(reads.is_ready());
    CHECK(here.run(as_result(std::move(reads))).error() == std::errc::operation_canceled);
  }
}

TEST_CASE("faulty: a close waits for the rest of a transfer whose first part is late", "[sim][faulty]") {
  const braid_tests::scratch_folder folder;
  const std::string text = long_text();
  sim::fault_schedule faults;
  faults.add({.what = fault::short_read, .probability = 0.5});
  faults.add({.what = fault::late, .probability = 0.5, .delay = 10us});
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    loop here({}, sim::faulty(make_reactor({}), faults, seed));
    here.run(write_file(folder / "file", text));
    file from = here.run(open_file(folder / "file"));
    std::string room(text.size(), '?');
    auto reads = spawn(from.read_exactly(room));
    for (std::uint64_t turns = seed % 5; turns != 0; --turns) here.run(yield());
    here.run(from.close());
    REQUIRE(reads.is_ready());
    const auto ended = here.run(as_result(std::move(reads)));
    if (!ended) CHECK(ended.error() == std::errc::operation_canceled);
  }
}

TEST_CASE("faulty: a finished request may cancel the next one", "[sim][faulty]") {
  braid_tests::pipe_ends pipe;
  sim::fault_schedule faults;
  faults.add({.what = fault::io_error, .probability = 1});
  loop here({}, sim::faulty(make_reactor({}), faults));
  std::string one(4, ' '), other(4, ' ');
  file from = file::from_descriptor(::dup(pipe.reader()));
  const auto both = here.run(as_result(when_all(from.read_some(one), from.read_some(other))));
  REQUIRE_FALSE(both);
  CHECK(both.error() == std::errc::io_error);
  CHECK(here.in_flight() == 0);
}

TEST_CASE("faulty: a reset breaks both ends of the connection", "[sim][faulty]") {
  sim::fault_schedule faults;
  faults.add({.what = fault::reset, .nth = 1, .only = opcode::send});
  loop here({}, sim::faulty(make_reactor({}), faults));
  const auto talk = []() -> task<void> {
    tcp::listener at = co_await tcp::listen(endpoint("127.0.0.1", 0));
    tcp::stream one = co_await tcp::connect(at.local_endpoint());
    tcp::stream other = co_await at.accept();
    std::string text = "text";
    const auto sent = co_await as_result(one.write_all(text));
    CHECK(sent.error() == std::errc::connection_reset);
    const std::size_t got = co_await other.read_some(text);
    CHECK(got == 0);
  };
  here.run(talk());
}

TEST_CASE("faulty: datagrams are lost, duplicated or late", "[sim][faulty]") {
  sim::fault_schedule faults;
  faults.add({.what = fault::lost, .nth = 1});
  faults.add({.what = fault::duplicated, .nth = 2});
  faults.add({.what = fault::delayed, .nth = 3, .delay = 1us});
  loop here({}, sim::faulty(make_reactor({}), faults));
  const udp::socket near = udp::bind_now(endpoint::loopback()), far = udp::bind_now(endpoint::loopback());
  for (const char* text : {"1", "2", "3", "4"}) here.run(near.send_to(text, far.local_endpoint()));
  std::string all, room(8, '?');
  while (all.size() != 4) all += room.substr(0, here.run(far.receive_from(room)).size);
  CHECK(all == "2234");
}

}  // namespace
