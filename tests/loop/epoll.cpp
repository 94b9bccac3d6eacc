// The epoll reactor: requests that it tries, and requests that wait for their descriptor.

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <deque>
#include <exception>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/loop/loop.hpp"
#include "braid/net/tcp.hpp"
#include "braid/style/run.hpp"
#include "catch.hpp"
#include "child_process.hpp"
#include "descriptors.hpp"
#include "epoll_requests.hpp"

namespace {

using namespace braid;
using namespace braid_tests;

// A request that cancels another one as soon as it completes.
struct rival : io_operation {
  rival(int descriptor, loop& on) : io_operation(on_finish, what), home(on) {
    what = {.code = opcode::poll, .descriptor = descriptor, .flags = POLLIN};
  }
  static void on_finish(operation_base& base, completion with) noexcept {
    auto& self = static_cast<rival&>(static_cast<io_operation&>(base));
    self.result = with.result;
    ++self.times;
    if (self.loser != nullptr) self.home.operations().cancel(*self.loser);
  }
  request what;
  loop& home;
  rival* loser = nullptr;
  int times = 0;
  std::optional<std::int32_t> result;
};

request read_of(int descriptor, void* room, std::uint32_t length) {
  return {.code = opcode::read,
          .descriptor = descriptor,
          .address = room,
          .offset = request::current_position,
          .length = length};
}

TEST_CASE("epoll: a finished poll may cancel another poll of the same descriptor", "[loop][epoll]") {
  loop home(on_epoll);
  pipe_ends pipe;
  rival winner(pipe.reader(), home), loser(pipe.reader(), home), third(pipe.reader(), home);
  winner.loser = &loser;
  for (rival* each : {&winner, &loser, &third}) home.operations().submit(*each);
  home.turn(false);
  REQUIRE(::write(pipe.writer(), "x", 1) == 1);
  turn_until(home, third.result);
  turn_until(home, loser.result);
  CHECK(winner.result == POLLIN);
  CHECK(loser.result == -ECANCELED);
  CHECK(third.result == POLLIN);
  for (const rival* each : {&winner, &loser, &third}) CHECK(each->times == 1);
  CHECK(home.in_flight() == 0);
}

TEST_CASE("epoll: a poll for POLLWRNORM ends when there is room", "[loop][epoll]") {
  loop home(on_epoll);
  pipe_ends pipe(O_NONBLOCK);
  const std::string much(1 << 20, 'x');
  while (::write(pipe.writer(), much.data(), much.size()) > 0) {}
  asked writable({.code = opcode::poll, .descriptor = pipe.writer(), .flags = POLLWRNORM});
  home.operations().submit(writable);
  home.turn(false);
  home.turn(false);
  CHECK_FALSE(writable.result);
  std::string room(1 << 20, ' ');
  REQUIRE(::read(pipe.reader(), room.data(), room.size()) > 0);
  turn_until(home, writable.result);
  CHECK((*writable.result & POLLWRNORM) != 0);
}

TEST_CASE("epoll: no request finishes within submit", "[loop][epoll]") {
  loop home(on_epoll);
  pipe_ends pipe;
  REQUIRE(::write(pipe.writer(), "x", 1) == 1);
  std::array<char, 4> room;
  asked nop({.code = opcode::nop}), read(read_of(pipe.reader(), room.data(), 4)),
      bad(read_of(-1, room.data(), 4));
  for (asked* each : {&nop, &read, &bad}) {
    home.operations().submit(*each);
    CHECK_FALSE(each->result);
  }
  CHECK(home.in_flight() == 3);
  home.run();
  CHECK(nop.result == 0);
  CHECK(read.result == 1);
  CHECK(bad.result == -EBADF);
  CHECK(home.in_flight() == 0);
}

TEST_CASE("epoll: two reads of a pipe complete in order, each with its own bytes", "[loop][epoll]") {
  loop home(on_epoll);
  pipe_ends pipe;
  std::array<char, 1> one, two;
  asked first(read_of(pipe.reader(), one.data(), 1)), second(read_of(pipe.reader(), two.data(), 1));
  home.operations().submit(first);
  home.operations().submit(second);
  home.turn(false);
  REQUIRE(::write(pipe.writer(), "a", 1) == 1);
  turn_until(home, first.result);
  CHECK_FALSE(second.result);
  REQUIRE(::write(pipe.writer(), "b", 1) == 1);
  turn_until(home, second.result);
  CHECK(one[0] == 'a');
  CHECK(two[0] == 'b');
  asked third(read_of(pipe.reader(), one.data(), 1)), fourth(read_of(pipe.reader(), two.data(), 1));
  home.operations().submit(third);
  home.operations().submit(fourth);
  home.turn(false);
  REQUIRE(::write(pipe.writer(), "cd", 2) == 2);  // one event for both reads
  turn_until(home, fourth.result);
  CHECK(third.result == 1);
  CHECK(one[0] == 'c');
  CHECK(two[0] == 'd');
}

TEST_CASE("epoll: a blocking pipe or terminal keeps its mode and does not block the loop", "[loop][epoll]") {
  loop home(on_epoll);
  std::array<char, 16> room;
  SECTION("pipe") {
    pipe_ends pipe;
    asked read(read_of(pipe.reader(), room.data(), 16));
    home.operations().submit(read);
    home.turn(false);
    home.turn(false);
    CHECK_FALSE(read.result);
    CHECK((::fcntl(pipe.reader(), F_GETFL) & O_NONBLOCK) == 0);
    REQUIRE(::write(pipe.writer(), "abc", 3) == 3);
    turn_until(home, read.result);
    CHECK(read.result == 3);
    CHECK((::fcntl(pipe.reader(), F_GETFL) & O_NONBLOCK) == 0);
  }
  SECTION("terminal") {
    int master = -1, terminal = -1;
    REQUIRE(::openpty(&master, &terminal, nullptr, nullptr, nullptr) == 0);
    asked read(read_of(terminal, room.data(), 16));
    home.operations().submit(read);
    home.turn(false);
    home.turn(false);
    CHECK_FALSE(read.result);
    REQUIRE(::write(master, "line\n", 5) == 5);
    turn_until(home, read.result);
    CHECK(read.result == 5);
    // A second read waits on the existing registration.
    asked again(read_of(terminal, room.data(), 16));
    home.operations().submit(again);
    home.turn(false);
    CHECK_FALSE(again.result);
    REQUIRE(::write(master, "two\n", 4) == 4);
    turn_until(home, again.result);
    CHECK(again.result == 4);
    asked write({.code = opcode::write,
                 .descriptor = terminal,
                 .address = room.data(),
                 .offset = request::current_position,
                 .length = 4});
    home.operations().submit(write);
    turn_until(home, write.result);
    CHECK(write.result == 4);
    CHECK((::fcntl(terminal, F_GETFL) & O_NONBLOCK) == 0);
    ::close(master);
    ::close(terminal);
  }
}

TEST_CASE("epoll: write_all waits for room in a full socket buffer", "[loop][epoll]") {
  loop home(on_epoll);
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  auto near = tcp::stream::from_descriptor(ends[0]), far = tcp::stream::from_descriptor(ends[1]);
  const std::string sent(4 << 20, 'x');
  std::string got(sent.size(), '?');
  (void)home.run(when_all(near.write_all(sent), far.read_exactly(got)));
  CHECK(got == sent);
}

TEST_CASE("epoll: reads, writes and polls report that the other end has closed", "[loop][epoll]") {
  loop home(on_epoll);
  std::array<char, 4> room{};
  SECTION("a pipe's writer is closed") {
    pipe_ends pipe;
    asked read(read_of(pipe.reader(), room.data(), 4));
    home.operations().submit(read);
    home.turn(false);
    pipe.close_writer();
    turn_until(home, read.result);
    CHECK(read.result == 0);
    asked again(read_of(pipe.reader(), room.data(), 4));
    home.operations().submit(again);
    turn_until(home, again.result);  // the end is reported again
    CHECK(again.result == 0);
  }
  SECTION("a socket's peer is closed after it has sent something") {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    asked first({.code = opcode::receive, .descriptor = ends[0], .address = room.data(), .length = 4});
    home.operations().submit(first);
    home.turn(false);
    REQUIRE(::write(ends[1], "ab", 2) == 2);
    ::close(ends[1]);
    turn_until(home, first.result);
    CHECK(first.result == 2);
    asked second({.code = opcode::receive, .descriptor = ends[0], .address = room.data(), .length = 4});
    home.operations().submit(second);
    turn_until(home, second.result);
    CHECK(second.result == 0);
    ::close(ends[0]);
  }
  SECTION("poll reports it") {
    pipe_ends pipe;
    asked hung_up({.code = opcode::poll, .descriptor = pipe.reader(), .flags = POLLIN});
    home.operations().submit(hung_up);
    home.turn(false);
    CHECK_FALSE(hung_up.result);
    pipe.close_writer();
    turn_until(home, hung_up.result);
    CHECK(hung_up.result == POLLHUP);
  }
}

TEST_CASE("epoll: poll reports what is ready, waits for what is not, and takes any descriptor",
          "[loop][epoll]") {
  loop home(on_epoll);
  pipe_ends pipe;
  asked writable({.code = opcode::poll, .descriptor = pipe.writer(), .flags = POLLOUT});
  asked readable({.code = opcode::poll, .descriptor = pipe.reader(), .flags = POLLIN});
  asked none({.code = opcode::poll, .descriptor = 9999, .flags = POLLIN});
  for (asked* each : {&writable, &readable, &none}) home.operations().submit(*each);
  home.turn(false);
  CHECK(writable.result == POLLOUT);
  CHECK(none.result == -EBADF);
  CHECK_FALSE(readable.result);
  REQUIRE(::write(pipe.writer(), "x", 1) == 1);
  turn_until(home, readable.result);
  CHECK(readable.result == POLLIN);
}

TEST_CASE("epoll: each descriptor that the reactor cannot get is a clear error", "[loop][epoll]") {
  const int spare = GENERATE(0, 1, 2);
  const auto ended = braid_tests::in_child([spare] {
    const auto lowest = static_cast<rlim_t>(::dup(0));  // the number that open(2) would return next
    ::close(static_cast<int>(lowest));
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    const rlimit few{lowest + static_cast<rlim_t>(spare), limit.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &few);
    std::exception_ptr failed;
    try {
      loop home(on_epoll);
    } catch (...) {
      failed = std::current_exception();
    }
    ::setrlimit(RLIMIT_NOFILE, &limit);  // the sanitizer's own checks open descriptors
    if (failed != nullptr) std::rethrow_exception(failed);
  });
  CHECK(ended.exit_status() == braid_tests::threw);
  CHECK_THAT(ended.errors, braid_tests::contains("no descriptor left: raise RLIMIT_NOFILE"));
}

TEST_CASE("epoll: waits for a thousand sockets at once", "[loop][epoll]") {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t before = std::exchange(limit.rlim_cur, std::min<rlim_t>(limit.rlim_max, 4096));
  ::setrlimit(RLIMIT_NOFILE, &limit);
  {
    loop home(on_epoll);
    constexpr std::size_t count = 1000;
    std::vector<std::array<int, 2>> pairs(count);
    std::vector<char> rooms(count);
    std::vector<std::unique_ptr<asked>> reads;
    for (std::size_t n = 0; n < count; ++n) {
      REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pairs[n].data()) == 0);
      reads.push_back(std::make_unique<asked>(
          request{.code = opcode::receive, .descriptor = pairs[n][0], .address = &rooms[n], .length = 1}));
      home.operations().submit(*reads.back());
    }
    home.turn(false);
    CHECK(home.in_flight() == count);
    for (std::size_t n = count; n-- > 0;) {
      const char what = static_cast<char>('a' + n % 26);
      REQUIRE(::write(pairs[n][1], &what, 1) == 1);
    }
    home.run();
    for (std::size_t n = 0; n < count; ++n) {
      CHECK(reads[n]->result == 1);
      CHECK(rooms[n] == static_cast<char>('a' + n % 26));
      for (const int each : pairs[n]) ::close(each);
    }
  }
  limit.rlim_cur = before;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

TEST_CASE("epoll: waiting again on a registered socket costs no system call", "[loop][epoll]") {
  loop home(on_epoll);
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  std::array<char, 4> room;
  const request receive_some{
      .code = opcode::receive, .descriptor = ends[0], .address = room.data(), .length = 4};
  for (int round = 0; round < 4; ++round) {
    asked receive(receive_some);
    home.operations().submit(receive);
    home.turn(false);
    CHECK_FALSE(receive.result);
    REQUIRE(::write(ends[1], "x", 1) == 1);
    turn_until(home, receive.result);
    CHECK(receive.result == 1);
    const std::size_t before = home.system_calls();
    std::deque<asked> waiting;
    for (int n = 0; n < 100; ++n) home.operations().submit(waiting.emplace_back(receive_some));
    home.turn(false);
    // The epoll_wait of that turn and, once in 10 ms, the check that the socket is still registered: one call
    // sets its timer, the other is the check. How many of these come is for the clock to say.
    CHECK(home.system_calls() <= before + 3);
    for (asked& each : waiting) home.operations().cancel(each);
    for (asked& each : waiting) {
      turn_until(home, each.result);
      CHECK(each.result == -ECANCELED);
    }
  }
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("epoll: a number that is not open is refused, and takes no memory", "[loop][epoll]") {
  loop home(on_epoll);
  for (const int number : {-1, std::numeric_limits<int>::max()}) {
    asked polled({.code = opcode::poll, .descriptor = number, .flags = POLLIN});
    const std::size_t before = bytes_allocated();
    home.operations().submit(polled);
    turn_until(home, polled.result);
    CHECK(polled.result == -EBADF);
    CHECK(bytes_allocated() - before < 4096);
  }
}

}  // namespace
