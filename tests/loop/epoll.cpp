// The epoll reactor and its requests: those that it tries, waits for, or gives to a thread.

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/fs/file.hpp"
#include "braid/loop/detail/blocking_pool.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/nop.hpp"
#include "braid/net/tcp.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/start.hpp"
#include "busy_pool.hpp"
#include "catch.hpp"
#include "child_process.hpp"
#include "descriptors.hpp"
#include "scratch_folder.hpp"

namespace {

using namespace braid;
using braid_tests::pipe_ends;

constexpr loop_options on_epoll{.backend = backend::epoll};

// A request as the reactor sees it, and its result.
struct asked : io_operation {
  explicit asked(const request& which) : io_operation(on_finish, what), what(which) {}
  static void on_finish(operation_base& base, completion with) noexcept {
    auto& self = static_cast<asked&>(static_cast<io_operation&>(base));
    self.parts.push_back(with.result);
    if (!self.in_flight()) self.result = with.result;
  }
  request what;
  std::optional<std::int32_t> result;
  std::vector<std::int32_t> parts;
};

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

void turn_until(loop& home, const std::optional<std::int32_t>& finished) {
  while (!finished) home.turn(true);
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

TEST_CASE("epoll: on TCP bytes and an end that arrive together are both received", "[loop][epoll][net]") {
  loop home(on_epoll);
  const tcp::listener listening = tcp::listen_now(endpoint::loopback(), 4);
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
  const tcp::listener listening = tcp::listen_now(endpoint::loopback(), 4);
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

TEST_CASE("epoll: a refused connect is an error, and the socket is blocking as before",
          "[loop][epoll][net]") {
  loop home(on_epoll);
  const auto gone = [] {
    const tcp::listener closed = tcp::listen_now(endpoint::loopback(), 1);
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
  const tcp::listener full = tcp::listen_now(endpoint::loopback(), 0);
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
  const tcp::listener listening = tcp::listen_now(endpoint::loopback(), 4);
  CHECK((::fcntl(listening.number(), F_GETFL) & O_NONBLOCK) == 0);
  auto [near, far] = home.run(when_all(tcp::connect(listening.local_endpoint()), listening.accept()));
  CHECK((::fcntl(listening.number(), F_GETFL) & O_NONBLOCK) != 0);
  CHECK((::fcntl(near.number(), F_GETFL) & O_NONBLOCK) == 0);
  CHECK((::fcntl(far.number(), F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE("epoll: reads a cached file without a thread", "[loop][epoll][threads]") {
  const braid_tests::scratch_folder folder;
  loop home(on_epoll);
  const file both = home.run(open_file(folder / "file", O_RDWR | O_CREAT));
  home.run(both.write_at(0, std::string("cached")));
  const braid_tests::busy_pool busy;
  std::string room(6, '?');
  CHECK(home.run(both.read_at(0, room)) == 6);
  CHECK(room == "cached");
  CHECK(home.run(both.read_at(6, room)) == 0);  // the end
}

TEST_CASE("epoll: a thread waits for room in a Unix socket's full backlog", "[loop][epoll][threads]") {
  loop home(on_epoll);
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  const std::string path = "@braid-epoll-" + std::to_string(::getpid());
  path.copy(name.sun_path + 1, path.size());  // an abstract name leaves no file behind
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + path.size());
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(::bind(listener, reinterpret_cast<sockaddr*>(&name), length) == 0);
  REQUIRE(::listen(listener, 0) == 0);
  std::array<int, 3> sockets;
  std::vector<std::unique_ptr<asked>> connects;
  for (int& each : sockets) {
    each = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    connects.push_back(std::make_unique<asked>(
        request{.code = opcode::connect, .descriptor = each, .address = &name, .offset = length}));
    home.operations().submit(*connects.back());
    home.turn(false);
  }
  CHECK(connects[0]->result == 0);
  CHECK_FALSE(connects[2]->result);
  asked accepts({.code = opcode::accept_many, .descriptor = listener, .flags = SOCK_CLOEXEC});
  home.operations().submit(accepts);
  for (const auto& each : connects)
    turn_until(home, each->result);  // a thread carries out the second one, too
  CHECK(connects[2]->result == 0);
  while (accepts.parts.size() < 3) home.turn(true);
  home.operations().cancel(accepts);
  turn_until(home, accepts.result);
  CHECK(accepts.result == -ECANCELED);
  accepts.parts.pop_back();
  for (const int each : accepts.parts) ::close(each);
  for (const int each : sockets) ::close(each);
  ::close(listener);
}

TEST_CASE("epoll: accept without a free descriptor is an error, and succeeds once there is one",
          "[loop][epoll][net]") {
  const auto ended = braid_tests::in_child([] {
    loop home(on_epoll);
    const tcp::listener listening = tcp::listen_now(endpoint::loopback(), 4);
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

TEST_CASE("epoll: receives all wake-ups of many threads", "[loop][epoll][threads]") {
  loop home(on_epoll);
  constexpr int threads = 4, posts = 500;
  int heard = 0;
  for (int n = 0; n < threads; ++n) home.operations().expect_delivery();
  std::vector<std::thread> others;
  for (int n = 0; n < threads; ++n)
    others.emplace_back([&] {
      for (int each = 0; each < posts; ++each) home.post([&] { ++heard; });
      home.post([&] { home.operations().delivery_arrived(); });
    });
  home.run();
  for (std::thread& each : others) each.join();
  CHECK(heard == threads * posts);
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
  for (int round = 0; round < 4; ++round) {
    asked receive({.code = opcode::receive, .descriptor = ends[0], .address = room.data(), .length = 4});
    home.operations().submit(receive);
    home.turn(false);
    CHECK_FALSE(receive.result);
    REQUIRE(::write(ends[1], "x", 1) == 1);
    turn_until(home, receive.result);
    CHECK(receive.result == 1);
    // A Unix socket may return less than it holds, so the reactor tries once more and finds it empty.
    asked empty({.code = opcode::receive, .descriptor = ends[0], .address = room.data(), .length = 4});
    home.operations().submit(empty);
    home.turn(false);
    const std::size_t before = home.system_calls();
    home.operations().cancel(empty);
    turn_until(home, empty.result);
    asked waits({.code = opcode::receive, .descriptor = ends[0], .address = room.data(), .length = 4});
    home.operations().submit(waits);
    home.turn(false);
    CHECK(home.system_calls() <= before + 1);  // only the epoll_wait of that turn
    home.operations().cancel(waits);
    turn_until(home, waits.result);
  }
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("epoll: a file operation that no thread has begun can be withdrawn",
          "[loop][epoll][threads][stop]") {
  const braid_tests::scratch_folder folder;
  const auto path = (folder / "file").string();
  loop home(on_epoll);
  const braid_tests::busy_pool busy;
  asked open({.code = opcode::open,
              .descriptor = request::working_directory,
              .address = const_cast<char*>(path.c_str()),
              .length = 0600,
              .flags = O_CREAT | O_WRONLY | O_CLOEXEC});
  home.operations().submit(open);
  home.turn(false);
  home.turn(false);
  CHECK_FALSE(open.result);
  home.operations().cancel(open);
  CHECK_FALSE(open.result);
  home.run();  // although every thread is busy
  CHECK(open.result == -ECANCELED);
  CHECK(::access(path.c_str(), F_OK) != 0);
}

TEST_CASE("epoll: the loop ends although every thread of the pool is busy", "[loop][epoll][threads]") {
  const braid_tests::busy_pool busy;
  std::optional<result<file>> finished;
  {
    loop home(on_epoll);
    start(open_file("/dev/null"), [&](result<file> ended) { finished.emplace(std::move(ended)); });
    home.turn(false);
  }
  REQUIRE(finished);
  CHECK(finished->error() == std::errc::operation_canceled);
}

}  // namespace
