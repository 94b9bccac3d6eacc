#include "braid/loop/io_sender.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/fs/file.hpp"
#include "braid/loop/nop.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "braid/style/start.hpp"
#include "catch.hpp"
#include "descriptors.hpp"
#include "read_pipe.hpp"
#include "recorder.hpp"

namespace {

using namespace braid;
using braid_tests::pipe_ends;
using braid_tests::read_pipe;
using braid_tests::recorded;

void turns(loop& home, int count) {
  for (int n = 0; n < count; ++n) home.turn(false);
}

// ---- many at once ---------------------------------------------------------------------------------------

TEST_CASE("loop: 10,000 requests at once complete on a ring of 8 entries", "[loop][io_sender]") {
  loop home({.entries = 8});
  int ended = 0;
  for (int n = 0; n < 10'000; ++n) start(nop(), [&](result<void> r) { ended += r.has_value(); });
  home.run();
  CHECK(ended == 10'000);
  CHECK(home.in_flight() == 0);
}

TEST_CASE("loop: 10,000 reads at once get their data on a ring of 8 entries", "[loop][io_sender]") {
  loop home({.entries = 8});
  file zero = home.run(open_file("/dev/zero"));
  std::vector<std::array<char, 8>> rooms(10'000);
  int ended = 0;
  for (auto& room : rooms) {
    room.fill('x');
    start(zero.read_some(room), [&](result<std::size_t> got) { ended += got && *got == 8; });
  }
  home.run();
  CHECK(ended == 10'000);
  CHECK(std::all_of(rooms.begin(), rooms.end(),
                    [](const auto& room) { return room == std::array<char, 8>{}; }));
}

TEST_CASE("loop: a thousand waiting reads on a ring of 8 entries each get their byte", "[loop][io_sender]") {
  constexpr std::size_t count = 1000;
  loop home({.entries = 8});
  std::vector<std::unique_ptr<read_pipe>> pipes;
  std::vector<std::array<char, 1>> rooms(count);
  std::size_t right = 0;
  for (std::size_t n = 0; n < 100; ++n) pipes.push_back(std::make_unique<read_pipe>());
  for (std::size_t n = 0; n < count; ++n)
    start(pipes[n % 100]->reader.read_some(rooms[n]), [&, n](result<std::size_t> got) {
      right += got && *got == 1 && rooms[n][0] == static_cast<char>(n % 100);
    });
  turns(home, 3);
  CHECK(right == 0);
  for (std::size_t n = 0; n < 100; ++n) pipes[n]->write(std::string(count / 100, static_cast<char>(n)));
  home.run();
  CHECK(right == count);
}

TEST_CASE("loop: one stop request cancels 10,000 waiting reads", "[loop][io_sender]") {
  loop home({.entries = 8});
  read_pipe pipe;
  stop_source source;
  std::vector<std::array<char, 1>> rooms(10'000);
  int canceled = 0;
  for (auto& room : rooms)
    start(with_stop_token(pipe.reader.read_some(room), source.get_token()),
          [&](auto ended) { canceled += !ended && ended.error() == std::errc::operation_canceled; });
  turns(home, GENERATE(0, 3));
  source.request_stop();
  home.run();
  CHECK(canceled == 10'000);
}

// ---- EAGAIN, EINTR, short transfers -----------------------------------------------------------------------

TEST_CASE("read: waits for data on a pipe with O_NONBLOCK", "[loop][io_sender]") {
  loop home;
  read_pipe pipe(O_NONBLOCK);
  std::array<char, 16> room{};
  recorded read(pipe.reader.read_some(room));
  read.start();
  turns(home, 5);
  CHECK_FALSE(read.done());
  pipe.write("abc");
  home.run();
  REQUIRE(read.done());
  CHECK(*read.result() == 3);
}

TEST_CASE("read: gives 0 bytes on a pipe without writers", "[loop][io_sender]") {
  loop home;
  read_pipe pipe(GENERATE(0, O_NONBLOCK));
  std::array<char, 16> room{};
  recorded read(pipe.reader.read_some(room));
  read.start();
  turns(home, 3);
  CHECK_FALSE(read.done());
  pipe.ends.close_writer();
  home.run();
  CHECK(*read.result() == 0);
}

TEST_CASE("write: waits for room in a full pipe with O_NONBLOCK", "[loop][io_sender]") {
  loop home;
  pipe_ends pipe(O_NONBLOCK);
  const std::string block(4096, 'x');
  while (::write(pipe.writer(), block.data(), block.size()) > 0) {}
  file writer = file::from_descriptor(pipe.release_writer());
  recorded write(writer.write_some(block));
  write.start();
  turns(home, 5);
  CHECK_FALSE(write.done());
  std::string sink(1 << 20, ' ');
  REQUIRE(::read(pipe.reader(), sink.data(), sink.size()) > 0);
  home.run();
  CHECK(*write.result() == block.size());
}

struct receive_outcome {
  using value_type = std::size_t;
  static constexpr const char* name() noexcept { return "receive"; }
  result<std::size_t> operator()(std::int32_t got, const request&) const noexcept {
    return static_cast<std::size_t>(got);
  }
};

struct socket_pair {
  socket_pair() {
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
      throw std::runtime_error("socketpair");
  }
  ~socket_pair() {
    for (const int each : ends) ::close(each);
  }
  // With MSG_DONTWAIT the kernel returns EAGAIN, which it never does for a pipe.
  [[nodiscard]] auto receive(std::span<char> room) const {
    return io_sender<receive_outcome>{{.code = opcode::receive,
                                       .descriptor = ends[0],
                                       .address = room.data(),
                                       .length = static_cast<std::uint32_t>(room.size()),
                                       .flags = MSG_DONTWAIT},
                                      {}};
  }
  std::array<int, 2> ends{};
};

TEST_CASE("EAGAIN: a receive waits instead of failing", "[loop][io_sender]") {
  loop home({.entries = 8});
  std::vector<std::unique_ptr<socket_pair>> sockets;
  std::vector<std::array<char, 4>> rooms(100);
  int right = 0;
  for (auto& room : rooms) {
    sockets.push_back(std::make_unique<socket_pair>());
    start(sockets.back()->receive(room), [&](result<std::size_t> got) {
      right += got && *got == 2 && std::memcmp(room.data(), "ab", 2) == 0;
    });
  }
  turns(home, 5);
  CHECK(right == 0);
  CHECK(home.in_flight() == 100);
  for (const auto& each : sockets) REQUIRE(::write(each->ends[1], "ab", 2) == 2);
  home.run();
  CHECK(right == 100);
}

TEST_CASE("EAGAIN: a receive waits again if other code takes the data first", "[loop][io_sender]") {
  loop home;
  socket_pair sockets;
  std::array<char, 4> room{};
  recorded receive(sockets.receive(room));
  receive.start();
  turns(home, 3);
  REQUIRE(::write(sockets.ends[1], "a", 1) == 1);
  char stolen = 0;
  REQUIRE(::read(sockets.ends[0], &stolen, 1) == 1);
  turns(home, 5);
  CHECK_FALSE(receive.done());
  REQUIRE(::write(sockets.ends[1], "b", 1) == 1);
  home.run();
  CHECK(*receive.result() == 1);
  CHECK(room[0] == 'b');
}

TEST_CASE("EAGAIN: a stop request ends a waiting receive in any turn", "[loop][io_sender]") {
  loop home;
  socket_pair sockets;
  std::array<char, 4> room{};
  stop_source source;
  recorded receive(sockets.receive(room), source.get_token());
  receive.start();
  turns(home, GENERATE(0, 1, 2, 5));
  source.request_stop();
  home.run();
  REQUIRE(receive.heard.times == 1);
  CHECK(receive.result().error() == std::errc::operation_canceled);
}

TEST_CASE("EINTR: signals end neither a wait nor a read", "[loop][io_sender][threads]") {
  struct sigaction action{}, before{};
  static std::atomic<int> caught;
  caught = 0;
  action.sa_handler = [](int) { ++caught; };  // without SA_RESTART
  REQUIRE(::sigaction(SIGUSR1, &action, &before) == 0);
  loop home;
  read_pipe pipe(GENERATE(0, O_NONBLOCK));
  std::array<char, 16> room{};
  const pthread_t looping = ::pthread_self();
  std::thread other([&] {
    for (int n = 1; n <= 100; ++n) {
      ::pthread_kill(looping, SIGUSR1);
      while (caught < n) std::this_thread::yield();
    }
    pipe.write("abc");
  });
  CHECK(home.run(pipe.reader.read_some(room)) == 3);
  other.join();
  CHECK(caught == 100);
  REQUIRE(::sigaction(SIGUSR1, &before, nullptr) == 0);
}

TEST_CASE("read_exactly, write_all: continue after short transfers", "[loop][io_sender]") {
  loop home;
  pipe_ends pipe(GENERATE(0, O_NONBLOCK));
  ::fcntl(pipe.writer(), F_SETPIPE_SZ, 4096);
  file reader = file::from_descriptor(pipe.release_reader());
  file writer = file::from_descriptor(pipe.release_writer());
  std::string sent(1 << 20, ' ');  // 256 times what the pipe holds
  for (std::size_t n = 0; n < sent.size(); ++n) sent[n] = static_cast<char>(n * 31 % 251);
  std::string received(sent.size(), ' ');
  home.run(when_all(writer.write_all(sent), reader.read_exactly(received)));
  CHECK(sent == received);
}

TEST_CASE("read_exactly: an early end is end_of_stream", "[loop][io_sender]") {
  loop home;
  read_pipe pipe;
  pipe.write("abc");
  pipe.ends.close_writer();
  std::array<char, 16> room{};
  const auto ended = home.run(as_result(pipe.reader.read_exactly(room)));
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == errc::end_of_stream);
  CHECK(ended.error().call() == "read_exactly");
  CHECK(std::string_view(room.data(), 3) == "abc");
}

TEST_CASE("request: an error names call, object and the system's reason", "[loop][io_sender]") {
  loop home;
  std::array<char, 16> room{};
  file directory = home.run(open_file("/etc", O_RDONLY | O_DIRECTORY));
  const auto ended = home.run(as_result(directory.read_some(room)));
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == std::errc::is_a_directory);
  CHECK(ended.error().message() ==
        "read_some /etc: " + std::make_error_code(std::errc::is_a_directory).message());
}

}  // namespace
