// The epoll reactor with threads: requests that it gives to the blocking pool, and wake-ups.

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/fs/file.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/nop.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/start.hpp"
#include "busy_pool.hpp"
#include "catch.hpp"
#include "descriptors.hpp"
#include "epoll_requests.hpp"
#include "scratch_folder.hpp"

namespace {

using namespace braid;
using namespace braid_tests;

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

TEST_CASE("epoll: close waits for a call that a thread has begun and cancels the others",
          "[loop][epoll][threads]") {
  const braid_tests::scratch_folder folder;
  loop home(on_epoll);
  file to = home.run(open_file(folder / "file", O_RDWR | O_CREAT));
  const int number = to.number();
  SECTION("not begun") {
    braid_tests::busy_pool busy;
    auto synced = spawn(to.sync());
    home.run(nop());
    auto closed = spawn(to.close());
    for (int turns = 0; turns < 5; ++turns) home.run(nop());
    CHECK(home.run(as_result(std::move(synced))).error() == std::errc::operation_canceled);
    CHECK(::fcntl(number, F_GETFD) >= 0);  // the close itself waits for a thread
    busy.let_go();
    home.run(std::move(closed));
  }
  SECTION("begun, or ended") {
    for (int round = 0; round < 100; ++round) {
      const std::string text(4096, 'x');
      auto written = spawn(to.write_at(0, text));
      auto synced = spawn(to.sync());
      home.run(nop());
      auto closed = spawn(to.close());
      home.run(std::move(closed));
      CHECK(written.is_ready());  // before the number can mean another file
      CHECK(synced.is_ready());
      const auto ended = home.run(as_result(std::move(synced)));
      CHECK((ended || ended.error() == std::errc::operation_canceled));
      (void)home.run(as_result(std::move(written)));
      to = home.run(open_file(folder / "file", O_RDWR));
    }
  }
}

TEST_CASE("epoll: cancel_descriptor ends a thread's wait for the other end of a FIFO",
          "[loop][epoll][threads][stop]") {
  const braid_tests::scratch_folder folder;
  const std::string fifo = folder / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  const int directory = ::open(folder.path().c_str(), O_DIRECTORY | O_CLOEXEC);
  REQUIRE(directory >= 0);
  const auto before = braid_tests::open_descriptors();
  {
    loop home(on_epoll);
    char path[] = "fifo";
    for (int round = 0; round < 20; ++round) {  // in some rounds the thread has begun
      asked open({.code = opcode::open, .descriptor = directory, .address = path, .flags = O_RDONLY});
      asked cancel({.code = opcode::cancel_descriptor, .descriptor = directory});
      home.operations().submit(open);
      for (int turns = round % 4; turns >= 0; --turns) home.turn(false);
      home.operations().submit(cancel);
      turn_until(home, cancel.result);
      turn_until(home, open.result);
      CHECK(cancel.result == 1);
      CHECK(open.result == -ECANCELED);
    }
    CHECK(home.in_flight() == 0);
  }
  CHECK(braid_tests::open_descriptors() == before);
  ::close(directory);
}

TEST_CASE("epoll: requests at a file's position do not overtake one that a thread carries out",
          "[loop][epoll][threads]") {
  constexpr std::size_t page = 4096;
  const braid_tests::scratch_folder folder;
  loop home(on_epoll);
  const file from = home.run(open_file(folder / "file", O_RDWR | O_CREAT));
  home.run(from.write_all(std::string(page, 'a') + std::string(page, 'b')));
  home.run(from.sync());
  REQUIRE(::posix_fadvise(from.number(), 0, 0, POSIX_FADV_DONTNEED) == 0);  // tmpfs ignores this
  REQUIRE(::lseek(from.number(), 0, SEEK_SET) == 0);
  std::string rooms[2] = {std::string(page, '?'), std::string(page, '?')};
  {
    braid_tests::busy_pool busy;
    auto first = spawn(from.read_exactly(rooms[0]));
    home.run(nop());
    auto second = spawn(from.read_exactly(rooms[1]));
    for (int turns = 0; turns < 5; ++turns) home.run(nop());
    CHECK(first.is_ready() == second.is_ready());
    busy.let_go();
    home.run(when_all(std::move(first), std::move(second)));
  }
  CHECK(rooms[0] == std::string(page, 'a'));
  CHECK(rooms[1] == std::string(page, 'b'));
}

TEST_CASE("epoll: each request ends once when a cancel races with a thread", "[loop][epoll][threads][stop]") {
  loop home(on_epoll);
  char path[] = "/dev/null";
  int opened = 0, cancelled = 0;
  for (int round = 0; round < 300; ++round) {
    asked open({.code = opcode::open, .descriptor = request::working_directory, .address = path});
    home.operations().submit(open);
    for (int turns = round % 4; turns > 0; --turns) home.turn(false);
    if (!open.result) home.operations().cancel(open);
    home.run();
    REQUIRE(open.result);
    if (*open.result >= 0) {
      ++opened;
      ::close(*open.result);
    } else {
      CHECK(open.result == -ECANCELED);
      ++cancelled;
    }
  }
  CHECK(opened + cancelled == 300);
  CHECK(home.in_flight() == 0);
}

}  // namespace
