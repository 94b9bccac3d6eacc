#include "braid/loop/descriptor.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <vector>

#include "braid/fs/file.hpp"
#include "braid/loop/loop.hpp"
#include "braid/net/tcp.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "braid/style/start.hpp"
#include "catch.hpp"
#include "descriptors.hpp"
#include "recorder.hpp"

namespace {

using namespace braid;
using braid_tests::open_descriptors;
using braid_tests::pipe_ends;
using braid_tests::recorded;

bool is_open(int number) { return ::fcntl(number, F_GETFD) >= 0; }

TEST_CASE("descriptor: the destructor closes it, with and without a loop", "[loop][descriptor]") {
  const bool with_loop = GENERATE(false, true);
  std::optional<loop> home;
  if (with_loop) home.emplace();
  const std::size_t open = open_descriptors();
  {
    pipe_ends pipe;
    const descriptor reader(pipe.release_reader());
    descriptor writer(pipe.release_writer());
    CHECK(writer.is_open());
    descriptor moved = std::move(writer);
    CHECK_FALSE(writer.is_open());
    CHECK(moved.is_open());
    moved = descriptor();
    CHECK_FALSE(moved.is_open());
  }
  CHECK(open_descriptors() == open);
}

TEST_CASE("descriptor: a close that fails with EINTR is done and is not repeated",
          "[loop][descriptor][failure]") {
  pipe_ends pipe;
  const int reused = ::dup(pipe.reader());  // another descriptor: close had freed the number
  {
    detail::close_outcome closing(reused);
    request what{.code = opcode::close, .descriptor = reused};
    std::int32_t ended = -EINTR;
    CHECK_FALSE(closing.again(ended, what));
    CHECK(ended == 0);
  }
  CHECK(is_open(reused));
  ::close(reused);
}

TEST_CASE("descriptor: release gives up ownership of the number", "[loop][descriptor]") {
  pipe_ends pipe;
  int number = -1;
  {
    descriptor reader(pipe.release_reader());
    number = reader.release();
    CHECK(reader.number() == -1);
  }
  CHECK(is_open(number));
  ::close(number);
}

TEST_CASE("descriptor: closing a closed descriptor is bad_file_descriptor", "[loop][descriptor]") {
  loop home;
  descriptor none;
  CHECK(home.run(as_result(none.close())).error() == std::errc::bad_file_descriptor);
  pipe_ends pipe;
  descriptor reader(pipe.release_reader());
  home.run(reader.close());
  CHECK_FALSE(reader.is_open());
  CHECK(home.run(as_result(reader.close())).error() == std::errc::bad_file_descriptor);
}

TEST_CASE("descriptor: close cancels the operations in flight and ends after them", "[loop][descriptor]") {
  loop home;
  pipe_ends pipe(GENERATE(0, O_NONBLOCK));
  const int number = pipe.reader();
  file reader = file::from_descriptor(pipe.release_reader());
  std::array<std::array<char, 8>, 10> rooms{};
  int canceled = 0;
  for (auto& room : rooms)
    start(reader.read_some(room), [&](result<std::size_t> ended) {
      canceled += !ended && ended.error() == std::errc::operation_canceled;
      CHECK(is_open(number));
    });
  const int turns = GENERATE(0, 3);
  for (int n = 0; n < turns; ++n) home.turn(false);
  home.run(reader.close());
  CHECK(canceled == 10);
  CHECK_FALSE(is_open(number));
}

TEST_CASE("descriptor: the destructor cancels reads in flight, then closes", "[loop][descriptor]") {
  loop home;
  const std::size_t open = open_descriptors();
  std::array<char, 8> room{};
  std::optional<error> finished;
  {
    pipe_ends pipe;
    file reader = file::from_descriptor(pipe.release_reader());
    start(reader.read_some(room),
          [&](result<std::size_t> ended) { finished.emplace(std::move(ended).error()); });
    home.turn(false);
  }
  home.run();
  REQUIRE(finished);
  CHECK(*finished == std::errc::operation_canceled);
  CHECK(open_descriptors() == open);
}

TEST_CASE("descriptor: a close that is never started, or that the loop's end cuts off, still closes",
          "[loop][descriptor]") {
  const std::size_t open = open_descriptors();
  const int turns = GENERATE(-1, 0, 1, 2, 3);
  std::array<char, 8> room{};
  {
    loop home;
    pipe_ends pipe;
    file reader = file::from_descriptor(pipe.release_reader());
    start(reader.read_some(room), [](result<std::size_t>) {});
    if (turns < 0) {
      const auto unstarted = reader.close();
    } else {
      start(reader.close(), [](result<void>) {});
      for (int n = 0; n < turns; ++n) home.turn(false);
    }
  }
  CHECK(open_descriptors() == open);
}

// Two descriptors of one open file: closing one must not end what waits on the other.
TEST_CASE("descriptor: closing one copy leaves operations on the other alone", "[loop][descriptor]") {
  loop home;
  const int kind = GENERATE(0, 1, 2);  // a pipe, a socket, a terminal
  std::array<int, 2> ends{-1, -1};
  if (kind == 0) REQUIRE(::pipe(ends.data()) == 0);
  if (kind == 1) REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
  if (kind == 2) {
    ends[1] = ::posix_openpt(O_RDWR | O_NOCTTY);
    REQUIRE((ends[1] >= 0 && ::grantpt(ends[1]) == 0 && ::unlockpt(ends[1]) == 0));
    ends[0] = ::open(::ptsname(ends[1]), O_RDWR | O_NOCTTY);
    REQUIRE(ends[0] >= 0);
  }
  const descriptor far(ends[1]);
  const file original = file::from_descriptor(ends[0]);
  file copy = file::from_descriptor(::dup(ends[0]));
  file other_copy = file::from_descriptor(::dup(ends[0]));
  std::array<char, 8> room{}, rooms_of_copy{};
  std::optional<result<std::size_t>> finished, finished_on_copy;
  start(original.read_some(room), [&](result<std::size_t> ended) { finished.emplace(std::move(ended)); });
  start(copy.read_some(rooms_of_copy),
        [&](result<std::size_t> ended) { finished_on_copy.emplace(std::move(ended)); });
  const int turns = GENERATE(0, 3);
  for (int n = 0; n < turns; ++n) home.turn(false);
  if (GENERATE(false, true))
    home.run(other_copy.close());
  else
    other_copy = file();
  for (int n = 0; n < 3; ++n) home.turn(false);
  CHECK_FALSE(finished);
  CHECK_FALSE(finished_on_copy);
  home.run(copy.close());
  REQUIRE(finished_on_copy);
  CHECK(finished_on_copy->error() == std::errc::operation_canceled);
  CHECK_FALSE(finished);
  REQUIRE(::write(ends[1], "x\n", 2) == 2);
  home.run();
  REQUIRE(finished);
  CHECK(finished->value() == 2);
}

TEST_CASE("descriptor: close cancels only the operations on its own number", "[loop][descriptor]") {
  constexpr std::size_t many = 200;
  std::array<char, 8> room{};
  std::vector<int> ended(many, 0);  // outlives the loop, whose end still calls handlers
  loop home;
  std::vector<pipe_ends> pipes(many);
  std::vector<file> readers;
  for (auto& each : pipes) readers.push_back(file::from_descriptor(each.release_reader()));
  for (std::size_t n = 0; n < many; ++n)
    for (int twice = 0; twice < 2; ++twice)
      start(readers[n].read_some(room),
            [&ended, n](result<std::size_t> r) { ended[n] += r.error() == std::errc::operation_canceled; });
  for (std::size_t n = 0; n < many; n += 2) home.run(readers[n].close());
  for (std::size_t n = 0; n < many; ++n) CHECK(ended[n] == (n % 2 == 0 ? 2 : 0));
}

// In a `socket` request the place of the descriptor holds the domain: closing the descriptor of that number
// must leave the request alone.
TEST_CASE("descriptor: close leaves a socket request alone whose domain equals the number",
          "[loop][descriptor]") {
  loop home;
  pipe_ends pipe;
  const int domain = AF_INET;
  const int saved = ::dup(domain);
  ::dup2(pipe.reader(), domain);
  {
    file there = file::from_descriptor(domain);
    std::optional<result<tcp::stream>> finished;
    const tcp::listener listening = tcp::listen_now(endpoint::loopback());
    start(tcp::connect(listening.local_endpoint()),
          [&](result<tcp::stream> r) { finished.emplace(std::move(r)); });
    home.run(there.close());
    home.run();
    REQUIRE(finished);
    CHECK(finished->has_value());
  }
  ::dup2(saved, domain);
  ::close(saved);
}

}  // namespace
