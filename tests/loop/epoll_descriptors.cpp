// Descriptors that change behind the epoll reactor's back, and descriptors that end while it works on them.

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "braid/combine/when_all.hpp"
#include "braid/fs/file.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/nop.hpp"
#include "braid/net/tcp.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "busy_pool.hpp"
#include "catch.hpp"
#include "descriptors.hpp"
#include "epoll_requests.hpp"

namespace {

using namespace braid;
using namespace braid_tests;

struct reading : asked {
  explicit reading(int descriptor)
      : asked({.code = opcode::read,
               .descriptor = descriptor,
               .offset = request::current_position,
               .length = sizeof room}) {
    what.address = room;
  }
  char room[8];
};

// Leaves the descriptor registered although no request waits for it.
void register_it(loop& home, int descriptor) {
  asked polled({.code = opcode::poll, .descriptor = descriptor, .flags = POLLPRI});
  home.operations().submit(polled);
  home.turn(false);
  REQUIRE_FALSE(polled.result);
  home.operations().cancel(polled);
  turn_until(home, polled.result);
}

TEST_CASE("epoll: waits on a number that another descriptor has taken over", "[loop][epoll]") {
  loop home(on_epoll);
  pipe_ends first;
  const int number = first.reader();
  register_it(home, number);
  pipe_ends second;
  REQUIRE(::dup2(second.reader(), number) == number);  // the reactor does not notice
  reading read(number);
  home.operations().submit(read);
  home.turn(false);
  CHECK_FALSE(read.result);
  REQUIRE(::write(second.writer(), "new", 3) == 3);
  turn_until(home, read.result);
  CHECK(read.result == 3);
}

TEST_CASE("epoll: a busy loop also verifies its waiting descriptors", "[loop][epoll]") {
  loop home(on_epoll);
  pipe_ends first;
  const int number = first.reader();
  register_it(home, number);
  pipe_ends second;
  REQUIRE(::dup2(second.reader(), number) == number);
  reading read(number);
  home.operations().submit(read);
  home.turn(false);
  REQUIRE(::write(second.writer(), "new", 3) == 3);
  while (!read.result) home.run(nop());  // never idle
  CHECK(read.result == 3);
}

TEST_CASE("epoll: closing a descriptor ends a request that waits for it", "[loop][epoll]") {
  loop home(on_epoll);
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  register_it(home, ends[0]);
  reading read(ends[0]);
  home.operations().submit(read);
  home.turn(false);
  SECTION("by close(2)") {
    ::close(ends[0]);
    turn_until(home, read.result);
  }
  SECTION("by the loop's direct calls, and the number is used again") {
    pipe_ends second;
    REQUIRE(::write(second.writer(), "x", 1) == 1);
    CHECK(home.operations().direct().close(ends[0]) == 0);
    REQUIRE(::dup2(second.reader(), ends[0]) == ends[0]);
    turn_until(home, read.result);
    CHECK(::read(second.reader(), read.room, 1) == 1);  // the read has left it there
    ::close(ends[0]);
  }
  CHECK(read.result == -EBADF);
  ::close(ends[1]);
}

TEST_CASE("epoll: a copy of a closed descriptor does not disturb the next owner of its number",
          "[loop][epoll]") {
  loop home(on_epoll);
  pipe_ends first, second;
  const int number = first.release_reader();
  register_it(home, number);
  const int copy = ::fcntl(number, F_DUPFD_CLOEXEC, 100);
  REQUIRE(copy >= 0);
  std::size_t tries = 0;
  SECTION("closed by braid, which unregisters it") {
    file closing = file::from_descriptor(number);
    home.run(closing.close());
  }
  SECTION("closed by close(2): an event of the copy causes one useless try") {
    ::close(number);
    tries = 1;
  }
  REQUIRE(::dup2(second.reader(), number) == number);
  reading read(number);
  home.operations().submit(read);
  home.turn(false);
  REQUIRE(::write(first.writer(), "old", 3) == 3);  // an event of the copy only
  const std::size_t before = home.system_calls();
  for (int turns = 0; turns < 5; ++turns) home.turn(false);
  if (tries == 0) CHECK(home.system_calls() - before == 5);  // each turn asked epoll, which reported nothing
  if (tries != 0) CHECK(home.system_calls() - before > 5);
  CHECK_FALSE(read.result);
  REQUIRE(::write(second.writer(), "newer", 5) == 5);
  turn_until(home, read.result);
  CHECK(read.result == 5);
  ::close(number);
  ::close(copy);
}

TEST_CASE("epoll: waits separately for two numbers of one pipe", "[loop][epoll]") {
  loop home(on_epoll);
  pipe_ends pipe;
  const int copy = ::dup(pipe.reader());
  reading first(pipe.reader()), second(copy);
  home.operations().submit(first);
  home.operations().submit(second);
  home.turn(false);
  REQUIRE(::write(pipe.writer(), "x", 1) == 1);
  while (!first.result && !second.result) home.turn(true);
  CHECK((first.result == 1) != (second.result == 1));  // only one of them gets the byte
  REQUIRE(::write(pipe.writer(), "y", 1) == 1);
  turn_until(home, first.result);
  turn_until(home, second.result);
  ::close(copy);
}

TEST_CASE("epoll: sockets that reuse a number never see each other's events", "[loop][epoll][net]") {
  loop home(on_epoll);
  const tcp::listener listening = tcp::listen_now(endpoint::loopback(), {.backlog = 16});
  for (int round = 0; round < 100; ++round) {
    auto [near, far] = home.run(when_all(tcp::connect(listening.local_endpoint()), listening.accept()));
    std::string room(1, '?');
    auto got = spawn(far.read_some(room));
    home.run(nop());
    home.run(near.write_all(std::string(1, static_cast<char>('a' + round % 26))));
    CHECK(home.run(std::move(got)) == 1);
    CHECK(room[0] == static_cast<char>('a' + round % 26));
    auto cancelled = spawn(far.read_some(room));
    home.run(nop());
    if (round % 2 == 0) {
      home.run(far.close());
      CHECK(home.run(as_result(std::move(cancelled))).error() == std::errc::operation_canceled);
    } else {
      far = tcp::stream();  // the destructor closes the descriptor once the read has ended
      CHECK(home.run(as_result(std::move(cancelled))).error() == std::errc::operation_canceled);
    }
  }
}

TEST_CASE("epoll: descriptors without waiters stop waking the loop", "[loop][epoll]") {
  loop home(on_epoll);
  const int counter = ::eventfd(0, EFD_CLOEXEC);
  register_it(home, counter);
  pipe_ends pipe;
  reading waits(pipe.reader());  // makes the loop call epoll_wait
  home.operations().submit(waits);
  home.turn(false);
  const std::uint64_t one = 1;
  std::size_t calls = 0;
  for (int round = 0; round < 40; ++round) {
    REQUIRE(::write(counter, &one, sizeof one) == sizeof one);
    const std::size_t before = home.system_calls();
    home.turn(false);
    calls = home.system_calls() - before;
  }
  CHECK(calls == 1);
  reading read(counter);
  home.operations().submit(read);
  turn_until(home, read.result);  // the descriptor works as before
  CHECK(read.result == 8);
  REQUIRE(::write(pipe.writer(), "x", 1) == 1);
  home.run();
  ::close(counter);
}

TEST_CASE("epoll: cancel_descriptor counts the waiting requests and leaves others alone",
          "[loop][epoll][stop]") {
  loop home(on_epoll);
  pipe_ends pipe, other;
  reading first(pipe.reader()), second(pipe.reader()), third(other.reader());
  for (asked* each : {static_cast<asked*>(&first), static_cast<asked*>(&second), static_cast<asked*>(&third)})
    home.operations().submit(*each);
  home.turn(false);
  asked cancel({.code = opcode::cancel_descriptor, .descriptor = pipe.reader()});
  home.operations().submit(cancel);
  turn_until(home, cancel.result);
  CHECK(cancel.result == 2);
  home.turn(false);
  CHECK(first.result == -ECANCELED);
  CHECK(second.result == -ECANCELED);
  CHECK_FALSE(third.result);
  home.operations().cancel(third);
  home.run();
  CHECK(third.result == -ECANCELED);
}

// A copy keeps the open file and with it the registration, which can no longer be removed.
TEST_CASE("epoll: a copy of a descriptor that other code closed does not keep waking the loop",
          "[loop][epoll]") {
  loop home(on_epoll);
  std::array<int, 2> ends{-1, -1};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
  const descriptor copy(::dup(ends[0]));
  descriptor far(ends[1]);
  std::array<char, 4> room;
  asked first({.code = opcode::receive, .descriptor = ends[0], .address = room.data(), .length = 4});
  home.operations().submit(first);
  home.turn(false);
  REQUIRE(::write(ends[1], "x", 1) == 1);
  turn_until(home, first.result);
  ::close(ends[0]);
  const bool reused = GENERATE(false, true);
  std::array<int, 2> others{-1, -1};
  std::optional<asked> waits;
  if (reused) {
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, others.data()) == 0);
    REQUIRE(others[0] == ends[0]);
    waits.emplace(
        request{.code = opcode::receive, .descriptor = others[0], .address = room.data(), .length = 4});
    home.operations().submit(*waits);
  }
  REQUIRE(::write(ends[1], "y", 1) == 1);  // stays unread in the copy
  asked alive({.code = opcode::receive, .descriptor = ends[1], .address = room.data(), .length = 4});
  home.operations().submit(alive);
  bool quiet = false;
  for (int period = 0; period < 100 && !quiet; ++period) {  // a busy machine may need more than one
    const std::size_t before = home.system_calls();
    home.run(sleep_for(std::chrono::milliseconds(30)));
    quiet = home.system_calls() < before + 20;
  }
  CHECK(quiet);
  REQUIRE(::write(copy.number(), "z", 1) == 1);
  turn_until(home, alive.result);
  CHECK(*alive.result == 1);
  if (reused) {
    REQUIRE(::write(others[1], "w", 1) == 1);
    turn_until(home, waits->result);
    CHECK(*waits->result == 1);
    ::close(others[0]);
    ::close(others[1]);
  }
}

}  // namespace
