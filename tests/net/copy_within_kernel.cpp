#include "braid/net/copy.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <termios.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "braid/combine/when_all.hpp"
#include "braid/fs/borrowed_file.hpp"
#include "braid/fs/pipe.hpp"
#include "braid/loop/nop.hpp"
#include "braid/net/any_stream.hpp"
#include "braid/net/tcp.hpp"
#include "braid/net/unix_domain.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/sim/world.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/future.hpp"
#include "braid/style/spawn.hpp"
#include "catch.hpp"
#include "check_fails.hpp"
#include "child_process.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "files.hpp"
#include "net/connection.hpp"
#include "net/pieces.hpp"
#include "scratch_folder.hpp"

using namespace braid;
using namespace braid_tests;

namespace {

std::string content_of(const std::filesystem::path& path) {
  std::ifstream from(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(from), {}};
}
void write_to(const std::filesystem::path& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

// Between sockets and files the kernel moves the bytes: it leaves sockets so.
bool is_nonblocking(int number) { return (::fcntl(number, F_GETFL) & O_NONBLOCK) != 0; }

void expect(bool what, const char* text) {
  if (!what) throw std::runtime_error(text);
}

template <class S>
task<> sends_all(S& to, const std::string& what) {
  co_await to.write_all(what);
  co_await to.close();
}
template <class From, class To>
task<std::uint64_t> copies_and_closes(From& from, To& to) {
  const std::uint64_t size = co_await copy(from, to);
  co_await to.close();
  co_return size;
}
template <class S>
task<std::string> receives_all(S& from) {
  std::string got, part(100'000, '?');
  for (;;) {
    const std::size_t size = co_await from.read_some(part);
    if (size == 0) co_return got;
    got.append(part, 0, size);
  }
}

// What arrives behind a copy of `what` from one pair to the other.
template <class FarFrom, class From, class To, class FarTo>
std::string copied(const std::string& what, FarFrom& far_from, From& from, To& to, FarTo& far_to) {
  const auto [none, size, got] = loop::current().run(
      when_all(sends_all(far_from, what), copies_and_closes(from, to), receives_all(far_to)));
  CHECK(size == what.size());
  return got;
}

struct unix_pair {
  unix_domain::stream near, far;
};
unix_pair connected_unix_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) throw std::runtime_error("socketpair");
  return {unix_domain::stream::from_descriptor(ends[0]), unix_domain::stream::from_descriptor(ends[1])};
}

// A class derived from a stream may change its bytes.
struct loud : tcp::stream {};
static_assert(braid::detail::splices<tcp::stream> && braid::detail::splices<const borrowed_file> &&
              braid::detail::splices<file>);
static_assert(!braid::detail::splices<any_stream> && !braid::detail::splices<loud> &&
              !braid::detail::splices<pieces>);

}  // namespace

TEST_CASE("copy: a socket fills a pipe and is filled by one, within the kernel", "[net][copy]") {
  loop here;
  auto [near, far] = connected_pair(any_style{});
  auto [local, local_far] = connected_unix_pair();
  pipe_pair between = pipe();
  std::string got(5, '?');
  auto filling = spawn(near.fill_pipe(between.writer.number(), 1 << 16));  // waits
  here.run(far.write_all("hello"));
  CHECK(here.run(std::move(filling)) == 5);
  CHECK(here.run(local.drain_pipe(between.reader.number(), 5)) == 5);
  here.run(local_far.read_exactly(got));
  CHECK(got == "hello");
  here.run(local_far.write_all("world"));
  CHECK(here.run(local.fill_pipe(between.writer.number(), 1 << 16)) == 5);
  CHECK(here.run(near.drain_pipe(between.reader.number(), 5)) == 5);
  here.run(far.read_exactly(got));
  CHECK(got == "world");
}

TEST_CASE("copy: sockets, pipes and files pass every byte on", "[net][copy]") {
  loop here;
  const std::string what = numbered_text((1 << 20) + 4711);
  auto [near, far] = connected_pair(any_style{});
  SECTION("from a socket to a socket, and a pipe in between") {
    auto [local, local_far] = connected_unix_pair();
    CHECK(copied(what, far, near, local, local_far) == what);
    CHECK(is_nonblocking(near.number()));
    CHECK(is_nonblocking(local.number()));
  }
  SECTION("from a pipe to a socket") {
    pipe_pair middle = pipe();
    CHECK(copied(what, middle.writer, middle.reader, near, far) == what);
    CHECK(is_nonblocking(near.number()));
    CHECK_FALSE(is_nonblocking(middle.reader.number()));
  }
  SECTION("from a socket to a pipe") {
    pipe_pair middle = pipe();
    CHECK(copied(what, far, near, middle.writer, middle.reader) == what);
  }
  SECTION("from a pipe to a pipe") {
    pipe_pair one = pipe(), other = pipe();
    CHECK(copied(what, one.writer, one.reader, other.writer, other.reader) == what);
  }
  SECTION("from a file to a socket and to files") {
    const scratch_folder folder;
    write_to(folder / "from", what);
    file from = here.run(open_file(folder / "from"));
    const auto [size, got] = here.run(when_all(copies_and_closes(from, near), receives_all(far)));
    CHECK(size == what.size());
    CHECK(got == what);
    for (const int flags :
         {O_WRONLY | O_CREAT, O_WRONLY | O_CREAT | O_APPEND}) {  // splice(2) refuses O_APPEND
      file again = here.run(open_file(folder / "from"));
      std::string first(100, '?');
      here.run(again.read_exactly(first));  // the copy begins at the file's position
      file to = here.run(open_file(folder / "to", flags));
      CHECK(here.run(copies_and_closes(again, to)) == what.size() - 100);
      CHECK(first + content_of(folder / "to") == what);
      std::string rest(1, '?');
      CHECK(here.run(again.read_some(rest)) == 0);
      ::unlink((folder / "to").c_str());
    }
  }
  SECTION("from an empty file") {
    const scratch_folder folder;
    write_to(folder / "empty", "");
    file from = here.run(open_file(folder / "empty"));
    CHECK(here.run(copies_and_closes(from, near)) == 0);
    CHECK(here.run(receives_all(far)) == "");
  }
  SECTION("from a file of /proc, which goes through the buffer") {
    if (!std::filesystem::exists("/proc/kallsyms")) return;  // the only one that is always large
    const scratch_folder folder;
    file from = here.run(open_file("/proc/kallsyms")),
         to = here.run(open_file(folder / "to", O_WRONLY | O_CREAT));
    CHECK(here.run(copies_and_closes(from, to)) == content_of("/proc/kallsyms").size());
    CHECK(content_of(folder / "to") == content_of("/proc/kallsyms"));
  }
  SECTION("to a terminal") {
    const file master = file::from_descriptor(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    REQUIRE(::grantpt(master.number()) == 0);
    REQUIRE(::unlockpt(master.number()) == 0);
    const borrowed_file terminal(::open(::ptsname(master.number()), O_RDWR | O_NOCTTY | O_CLOEXEC));
    termios mode;
    REQUIRE(::tcgetattr(terminal.number(), &mode) == 0);
    ::cfmakeraw(&mode);
    REQUIRE(::tcsetattr(terminal.number(), TCSANOW, &mode) == 0);
    std::string got(200'000, '?');
    const std::string text = what.substr(0, got.size());
    const auto [none, size, read] =
        here.run(when_all(sends_all(far, text), copy(near, terminal), master.read_exactly(got)));
    CHECK(size == text.size());
    CHECK(got == text);
    ::close(terminal.number());
  }
}

TEST_CASE("copy: a file that grows meanwhile is copied to its end", "[net][copy]") {
  loop here;
  const scratch_folder folder;
  const std::string what = numbered_text(1 << 20);
  write_to(folder / "from", what);
  file from = here.run(open_file(folder / "from")),
       more = here.run(open_file(folder / "from", O_WRONLY | O_APPEND));
  pipe_pair out = pipe();
  copy_progress so_far;
  auto copying = spawn(copy(from, out.writer, so_far));
  while (so_far.written == 0) here.run(nop());
  here.run(more.write_all(what));  // the copy waits for the reader, long before the end
  std::string got(2 << 20, '?');
  here.run(out.reader.read_exactly(got));
  CHECK(here.run(std::move(copying)) == got.size());
  CHECK(got == what + what);
}

TEST_CASE("copy: without a descriptor left it goes through the buffer", "[net][copy]") {
  const auto ended = in_child([] {
    loop here;
    auto [near, far] = connected_pair(any_style{});
    auto [other, other_far] = connected_pair(any_style{});
    const std::string what = numbered_text(1 << 20);
    leave_no_descriptors();
    const auto [none, size, got] =
        here.run(when_all(sends_all(far, what), copies_and_closes(near, other), receives_all(other_far)));
    expect(size == what.size() && got == what, "bytes are missing");
    expect(!is_nonblocking(near.number()), "the socket has another mode");
  });
  CHECK(ended.errors == "");
  CHECK(ended.exit_status() == 0);
}

TEST_CASE("copy: when the reader vanishes the error says how much was written", "[net][copy]") {
  loop here;
  auto [near, far] = connected_pair(any_style{});
  auto [other, other_far] = connected_pair(any_style{});
  copy_progress so_far;
  const std::string much(64 << 20, 'x');
  auto sending = spawn(far.write_all(much));
  std::string room(300'000, '?');
  SECTION("a socket's") {
    auto copying = spawn(copy(near, other, so_far));
    here.run(other_far.read_exactly(room));
    here.run(other_far.close());
    const auto ended = here.run(as_result(std::move(copying)));
    REQUIRE_FALSE(ended);
    CHECK((ended.error() == std::errc::connection_reset || ended.error() == std::errc::broken_pipe));
    CHECK(ended.error().transferred() == so_far.written);
  }
  SECTION("a pipe's") {
    pipe_pair out = pipe();
    auto copying = spawn(copy(near, out.writer, so_far));
    here.run(out.reader.read_exactly(room));
    here.run(out.reader.close());
    const auto ended = here.run(as_result(std::move(copying)));
    REQUIRE_FALSE(ended);
    CHECK(ended.error() == std::errc::broken_pipe);
    CHECK(ended.error().transferred() == so_far.written);
  }
  CHECK(so_far.written >= room.size());
  CHECK(so_far.read - so_far.written <= 256 << 10);
  sending.request_stop();
  CHECK_FALSE(here.run(as_result(std::move(sending))));
}

TEST_CASE("copy: when the source is reset everything that was read has been written", "[net][copy]") {
  loop here;
  auto [near, far] = connected_pair(any_style{});
  auto [other, other_far] = connected_pair(any_style{});
  copy_progress so_far;
  const std::string what = numbered_text(600'000);
  auto copying = spawn(copy(near, other, so_far));
  std::string got(what.size(), '?');
  here.run(when_all(far.write_all(what), other_far.read_exactly(got)));
  reset_peer_of(far);
  const auto ended = here.run(as_result(std::move(copying)));
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == std::errc::connection_reset);
  CHECK(ended.error().transferred() == what.size());
  CHECK(so_far.read == what.size());
  CHECK(got == what);
}

TEST_CASE("copy: at a file's limit the error says how much is in the file", "[net][copy]") {
  const auto ended = in_child([] {
    const scratch_folder folder;
    const std::string what = numbered_text(1 << 20);
    write_to(folder / "from", what);
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{300'000, 300'000};
    expect(::setrlimit(RLIMIT_FSIZE, &small) == 0, "setrlimit");
    loop here;
    file from = here.run(open_file(folder / "from")),
         to = here.run(open_file(folder / "to", O_WRONLY | O_CREAT));
    copy_progress so_far;
    const auto failed = here.run(as_result(copy(from, to, so_far)));
    expect(!failed && failed.error() == std::errc::file_too_large, "another end");
    expect(failed.error().transferred() == so_far.written, "another number in the error");
    expect(content_of(folder / "to") == what.substr(0, so_far.written), "the file has something else");
    expect(so_far.written == 300'000 && so_far.read > so_far.written, "another number");
  });
  CHECK(ended.errors == "");
  CHECK(ended.exit_status() == 0);
}

TEST_CASE("copy: closing a stream ends it", "[net][copy]") {
  loop here;
  auto [near, far] = connected_pair(any_style{});
  auto [other, other_far] = connected_pair(any_style{});
  const std::string what = numbered_text(600'000);
  const bool closes_source = GENERATE(true, false);
  copy_progress so_far;
  auto copying = spawn(copy(near, other, so_far));
  auto sending = spawn(far.write_all(what));
  if (closes_source) {
    std::string got(what.size(), '?');
    here.run(other_far.read_exactly(got));
    CHECK(got == what);
  } else {
    while (so_far.written == 0) here.run(nop());
  }
  here.run(closes_source ? near.close() : other.close());
  CHECK_FALSE(here.run(as_result(std::move(copying))));
  sending.request_stop();
  (void)here.run(as_result(std::move(sending)));
}

TEST_CASE("copy: in a simulated world it goes through the buffer", "[net][copy][sim]") {
  sim::world here(1);
  const std::string what = numbered_text(300'000);
  std::string got;
  const auto listens = []() { return tcp::listen_now(endpoint("0.0.0.0", 80)); };
  const auto receives = [&](sim::host&) -> task<> {
    const tcp::listener door = listens();
    tcp::stream from = co_await door.accept();
    got = co_await receives_all(from);
  };
  const sim::host& last = here.add_host("last", {.program = receives});
  const auto passes_on = [&](sim::host&) -> task<> {
    const tcp::listener door = listens();
    tcp::stream from = co_await door.accept();
    tcp::stream to = co_await tcp::connect(endpoint(last.address(), 80));
    (void)co_await copies_and_closes(from, to);
  };
  const sim::host& proxy = here.add_host("proxy", {.program = passes_on});
  const auto sends = [&](sim::host&) -> task<> {
    co_await sleep_for(std::chrono::milliseconds(1));
    tcp::stream to = co_await tcp::connect(endpoint(proxy.address(), 80));
    co_await sends_all(to, what);
  };
  here.add_host("first", {.program = sends});
  here.run_until_idle();
  CHECK(got == what);
}

TEST_CASE("copy: within the kernel it can be cancelled at each await", "[net][copy][cancellation]") {
  const std::string what = numbered_text(150'000);
  const auto program = [&]() -> task<> {
    pipe_pair in = pipe(), out = pipe();
    for (const file* each : {&in.writer, &out.writer})
      expect(::fcntl(each->number(), F_SETPIPE_SZ, 1 << 18) > 0, "F_SETPIPE_SZ");
    expect(::write(in.writer.number(), what.data(), what.size()) == ssize_t(what.size()), "write");
    co_await in.writer.close();
    copy_progress so_far;
    std::optional<error> why;
    try {
      (void)co_await copy(in.reader, out.writer, so_far);
    } catch (...) {
      why = error::current();
    }
    std::string got(1 << 18, '?');
    const ssize_t size = so_far.written == 0 ? 0 : ::read(out.reader.number(), got.data(), got.size());
    expect(size >= 0 && what.substr(0, so_far.written) == got.substr(0, static_cast<std::size_t>(size)),
           "something else was written");
    expect(so_far.read >= so_far.written, "more was written than read");
    if (why) why->rethrow();
    expect(so_far.written == what.size(), "bytes are missing");
  };
  CHECK(every_cancellation(program) >= 12);
}
