// Files that are not regular: pipes, FIFOs, terminals, devices.

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <numeric>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/fs/file.hpp"
#include "braid/fs/whole_file.hpp"
#include "braid/loop/nop.hpp"
#include "braid/schedule/offload.hpp"
#include "catch.hpp"
#include "check_fails.hpp"
#include "child_process.hpp"
#include "descriptors.hpp"
#include "every_style.hpp"
#include "scratch_folder.hpp"
#include "seccomp.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

std::filesystem::path made_fifo(const scratch_folder& folder) {
  auto path = folder / "fifo";
  if (::mkfifo(path.c_str(), 0666) != 0) throw std::system_error(errno, std::generic_category(), "mkfifo");
  return path;
}

// A pseudo-terminal; only drain() reads its other side.
struct terminal {
  terminal() : master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    if (::grantpt(master) != 0 || ::unlockpt(master) != 0)
      throw std::system_error(errno, std::generic_category(), "posix_openpt");
    const int number = ::open(::ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    termios raw;
    ::tcgetattr(number, &raw);
    ::cfmakeraw(&raw);
    ::tcsetattr(number, TCSANOW, &raw);
    slave = file::from_descriptor(number);
  }
  terminal(const terminal&) = delete;
  terminal& operator=(const terminal&) = delete;
  ~terminal() { ::close(master); }
  // Reads what has arrived; returns false if there is nothing.
  bool drain(std::string& into) const {
    char room[4096];
    pollfd one{master, POLLIN, 0};
    if (::poll(&one, 1, 0) != 1) return false;
    const ssize_t got = ::read(master, room, sizeof room);
    if (got > 0) into.append(room, static_cast<std::size_t>(got));
    return got > 0;
  }
  const int master;
  file slave;
};

void expect_broken_pipe(const any_style& style) {
  loop here;
  pipe_ends ends;
  ends.close_reader();
  const file pipe = file::from_descriptor(ends.release_writer());
  expect_in_child(style, pipe.write_some("x"), std::errc::broken_pipe);
  expect_in_child(style, pipe.write_all("x"), std::errc::broken_pipe);
  expect_in_child(style, pipe.write_at(0, "x"), std::errc::broken_pipe);
  int sockets[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) != 0) throw std::runtime_error("socketpair");
  ::close(sockets[0]);
  const file socket = file::from_descriptor(sockets[1]);
  expect_in_child(style, socket.write_all("x"), std::errc::broken_pipe);
  sigset_t pending;
  ::sigpending(&pending);
  if (::sigismember(&pending, SIGPIPE) == 1) throw std::runtime_error("a SIGPIPE is pending");
}

}  // namespace

TEST_CASE("write_all: without a reader it fails as broken_pipe and raises no SIGPIPE",
          "[fs][pipe][failure]") {
  IN_EVERY_STYLE(style);
  if (!style.works_in_child()) return;
  const auto ended = in_child([&] { expect_broken_pipe(style); });
  CHECK(ended.errors == "");
  CHECK(ended.signal() == 0);
  CHECK(ended.exit_status() == 0);
}

TEST_CASE("write_all: raises no SIGPIPE on a kernel without a flag for that", "[fs][pipe][failure]") {
  IN_EVERY_STYLE(style);
  if (!style.works_in_child()) return;
  const auto ended = in_child([&] {
    forbid(SYS_pwritev2, EOPNOTSUPP);
    expect_broken_pipe(style);
  });
  CHECK(ended.errors == "");
  CHECK(ended.signal() == 0);
  CHECK(ended.exit_status() == 0);
}

TEST_CASE("write_all: if the reader closes midway, the error says how much was written",
          "[fs][pipe][failure]") {
  IN_EVERY_STYLE(style);
  loop here;
  pipe_ends ends;
  const file writer = file::from_descriptor(ends.release_writer());
  const std::string much(1 << 20, 'x');
  auto writing = spawn(writer.write_all(much));
  std::size_t read = 0;
  for (char room[4096]; read < 200'000;) {
    here.run(nop());
    pollfd one{ends.reader(), POLLIN, 0};
    if (::poll(&one, 1, 0) != 1) continue;
    read += static_cast<std::size_t>(::read(ends.reader(), room, sizeof room));
  }
  ends.close_reader();
  const auto ended = style.wait(std::move(writing));
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == std::errc::broken_pipe);
  CHECK(ended.error().transferred() >= read);
  CHECK(ended.error().transferred() < much.size());
}

TEST_CASE("open_file: opening a FIFO waits for its other end", "[fs][pipe]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  const auto path = made_fifo(folder);
  loop here;
  auto to = spawn(open_file(path, O_WRONLY));
  for (int turns = 0; turns < 5; ++turns) here.run(nop());
  CHECK_FALSE(to.is_ready());
  const file from = style.wait(open_file(path)).value();
  file writer = here.run(std::move(to));
  CHECK(style.wait(writer.write_all("word")));
  std::string room(4, '?');
  CHECK(style.wait(from.read_exactly(room)));
  CHECK(room == "word");
}

TEST_CASE("read_file: waits for the writer of a FIFO and ends with it", "[fs][pipe]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  const auto path = made_fifo(folder);
  loop here;
  auto reading = spawn(read_file(path));
  for (int turns = 0; turns < 5; ++turns) here.run(nop());
  CHECK_FALSE(reading.is_ready());
  const std::string text(100'000, 'x');
  CHECK(style.wait(when_all(write_file(path, text), [&]() -> task<void> {
    const std::string read = co_await std::move(reading);  // not inside CHECK: docs/compilers.md
    CHECK(read == text);
  })));
}

TEST_CASE("open_file: waiting for the other end of a FIFO can be stopped", "[fs][pipe][stop]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  const auto path = made_fifo(folder);
  for (const int flags : {O_WRONLY, O_RDONLY, O_WRONLY}) {  // each would meet an abandoned one before it
    loop here;
    stop_source stop;
    auto opening = spawn(with_stop_token(open_file(path, flags), stop.get_token()));
    for (int turns = 0; turns < 5; ++turns) here.run(nop());
    CHECK_FALSE(opening.is_ready());
    stop.request_stop();
    const auto ended = style.wait(std::move(opening));
    REQUIRE_FALSE(ended);
    CHECK(ended.error() == std::errc::operation_canceled);
  }
}

TEST_CASE("open_file: a later open of a FIFO does not meet a cancelled one", "[fs][pipe][stop]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  const auto path = made_fifo(folder);
  loop here;
  for (const int flags : {O_RDONLY, O_WRONLY, O_RDONLY}) {
    const auto ended = style.wait(with_timeout(open_file(path, flags), 10ms));
    REQUIRE_FALSE(ended);
    CHECK(ended.error() == std::errc::timed_out);
  }
  CHECK(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC) < 0);  // no process reads
  auto reading = spawn(read_file(path));
  auto writing = spawn(write_file(path, "for the one that waits"));
  CHECK(style.wait(std::move(writing)));
  const auto got = style.wait(std::move(reading));
  REQUIRE(got);
  CHECK(*got == "for the one that waits");
}

TEST_CASE("open_file: opens a FIFO that has been written to, after a failed call on the same thread",
          "[fs][pipe]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  const auto path = made_fifo(folder);
  const int both = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  REQUIRE(::write(both, "word", 4) == 4);
  loop here;
  here.run(offload([] { errno = ENOENT; }));
  const auto reader = style.wait(open_file(path));
  REQUIRE(reader);
  std::string got(4, '\0');
  CHECK(style.wait(reader->read_exactly(got)));
  CHECK(got == "word");
  ::close(both);
}

TEST_CASE("open_file: opens a FIFO whose other end is open and silent", "[fs][pipe]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  const auto path = made_fifo(folder);
  loop here;
  auto reading = spawn(open_file(path, O_RDONLY));
  auto writing = spawn(open_file(path, O_WRONLY));
  const auto writer = style.wait(std::move(writing));
  const auto reader = style.wait(std::move(reading));
  REQUIRE(reader);
  REQUIRE(writer);
  CHECK((::fcntl(reader->number(), F_GETFL) & O_NONBLOCK) == 0);
  CHECK((::fcntl(writer->number(), F_GETFL) & O_NONBLOCK) == 0);
  CHECK(style.wait(writer->write_all("late")));
  std::string got(4, '\0');
  CHECK(style.wait(reader->read_exactly(got)));
  CHECK(got == "late");
}

TEST_CASE("open_file: the loop's end cancels the wait for the other end of a FIFO", "[fs][pipe][stop]") {
  const scratch_folder folder;
  const auto path = made_fifo(folder);
  std::optional<result<file>> finished;
  {
    loop here;
    start(open_file(path, O_WRONLY), [&](result<file> ended) { finished.emplace(std::move(ended)); });
    here.run(nop());
  }
  REQUIRE(finished);
  REQUIRE_FALSE(*finished);
  CHECK(finished->error() == std::errc::operation_canceled);
}

TEST_CASE("open_file: many waiting FIFOs do not delay other files", "[fs][pipe][stop]") {
  const scratch_folder folder;
  const auto path = made_fifo(folder);
  loop here;
  stop_source stop;
  std::vector<future<file>> opening;
  for (int n = 0; n < 40; ++n) opening.push_back(spawn(with_stop_token(open_file(path), stop.get_token())));
  here.run(nop());
  here.run(write_file(folder / "other", "text"));
  CHECK(here.run(read_file(folder / "other")) == "text");
  stop.request_stop();
  for (auto& each : opening)
    CHECK(here.run(as_result(std::move(each))).error() == std::errc::operation_canceled);
}

TEST_CASE("write_all: a write to a full terminal can be stopped; the error says how much was written",
          "[fs][terminal][stop]") {
  IN_EVERY_STYLE(style);
  const terminal both;
  loop here;
  std::string much(200'000, '\0');
  std::iota(much.begin(), much.end(), '\0');
  const auto ended = style.wait(with_timeout(both.slave.write_all(much), 50ms));
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == std::errc::timed_out);
  const std::size_t wrote = ended.error().transferred();
  CHECK(wrote < much.size());
  std::string got;
  while (got.size() < wrote) both.drain(got);
  CHECK(style.wait(both.slave.write_all("the next")));
  while (!got.ends_with("the next")) both.drain(got);
  CHECK((got == much.substr(0, wrote) + "the next"));
}

TEST_CASE("write_all: a write to a full terminal's master end can be stopped", "[fs][terminal][stop]") {
  IN_EVERY_STYLE(style);
  const terminal both;
  loop here;
  const file keyboard = file::from_descriptor(::dup(both.master));
  const std::string much(200'000, 'x');
  const auto ended = style.wait(with_timeout(keyboard.write_all(much), 50ms));
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == std::errc::timed_out);
  const std::size_t wrote = ended.error().transferred();
  CHECK(wrote < much.size());
  std::string got(wrote, '\0');
  CHECK(style.wait(both.slave.read_exactly(got)));
  CHECK((got == much.substr(0, wrote)));
  CHECK(style.wait(keyboard.write_all("the next")));
  got.assign(8, '\0');
  CHECK(style.wait(both.slave.read_exactly(got)));
  CHECK(got == "the next");
}

TEST_CASE("write_at: a write to a full terminal does not block the loop", "[fs][terminal]") {
  IN_EVERY_STYLE(style);
  const terminal both;
  loop here;
  const std::string much(200'000, 'x');
  auto writing = spawn(both.slave.write_at(0, much));
  for (int turns = 0; turns < 20; ++turns) here.run(nop());
  std::string got;
  while (!writing.is_ready()) {
    both.drain(got);
    here.run(nop());
  }
  const auto wrote = style.wait(std::move(writing));
  REQUIRE(wrote);
  while (got.size() < *wrote && both.drain(got)) {}
  CHECK(got.size() == *wrote);
}

TEST_CASE("open_file: with O_NONBLOCK it does not wait for the other end of a FIFO", "[fs][pipe]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  const auto path = made_fifo(folder);
  check_fails(style, open_file(path, O_WRONLY | O_NONBLOCK), std::errc::no_such_device_or_address,
              "open_file", path.string());
  CHECK(style.wait(open_file(path, O_RDONLY | O_NONBLOCK)));
}

TEST_CASE("write_all: a write to a full terminal does not block the loop, and ends once there is room",
          "[fs][terminal]") {
  IN_EVERY_STYLE(style);
  const terminal both;
  loop here;
  const std::string much(200'000, 'x');
  auto writing = spawn(both.slave.write_all(much));
  for (int turns = 0; turns < 20; ++turns) here.run(nop());
  CHECK_FALSE(writing.is_ready());
  std::string got;
  while (!writing.is_ready()) {
    both.drain(got);
    here.run(nop());
  }
  CHECK(style.wait(std::move(writing)));
  while (got.size() < much.size() && both.drain(got)) {}
  CHECK((got == much));
}

TEST_CASE("read_file: a file above the limit or without an end is an error", "[fs][whole_file][failure]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  loop here;
  const auto path = folder / "ten";
  CHECK(style.wait(write_file(path, "0123456789")));
  CHECK(style.wait(read_file_at_most(path, 10)).value() == "0123456789");
  check_fails(style, read_file_at_most(path, 9), std::errc::file_too_large, "read_file", path.string());
  check_fails(style, read_file_at_most(path, 0), std::errc::file_too_large, "read_file", path.string());
  check_fails(style, read_file_at_most("/dev/zero", 1 << 20), std::errc::file_too_large, "read_file",
              "/dev/zero");
  CHECK(style.wait(read_file_at_most("/dev/null", 0)).value() == "");
}
