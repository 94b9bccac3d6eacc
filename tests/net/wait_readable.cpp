#include "braid/net/wait_readable.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "braid/combine/when_all.hpp"
#include "braid/loop/nop.hpp"
#include "braid/net/tcp.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "check_fails.hpp"
#include "descriptors.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "net/connection.hpp"

using namespace braid;
using namespace braid_tests;

namespace {

void put(int descriptor, std::string_view text) {
  REQUIRE(::write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("wait_readable: every style waits for data, which stays there", "[net][readiness]",
                        every_style) {
  loop here;
  pipe_ends pipe;
  start(nop(), [&](result<void>) { put(pipe.writer(), "x"); });
  CHECK(TestType::wait(wait_readable(pipe.reader())));
  CHECK(TestType::wait(wait_readable(pipe.reader())));  // it still is
  std::array<char, 4> room{};
  CHECK(::read(pipe.reader(), room.data(), room.size()) == 1);
  CHECK(TestType::wait(wait_writable(pipe.writer())));
}

TEST_CASE("wait_readable: the end of the stream is readable", "[net][readiness]") {
  IN_EVERY_STYLE(style);
  loop here;
  pipe_ends pipe;
  start(nop(), [&](result<void>) { pipe.close_writer(); });
  CHECK(style.wait(wait_readable(pipe.reader())));
  CHECK(style.wait(wait_readable(pipe.reader())));
}

TEST_CASE("wait_readable: a library's own calls see everything that arrives, piece by piece",
          "[net][readiness]") {
  IN_EVERY_STYLE(style);
  loop here;
  auto [near, far] = connected_pair(style);
  std::string got;
  for (int i = 0; i < 50; ++i) {
    auto sent = spawn(far.write_all("piece"));
    while (got.size() < 5U * static_cast<unsigned>(i + 1)) {
      REQUIRE(style.wait(wait_readable(near.number())));
      std::array<char, 3> room{};  // less than what arrives
      const ssize_t part = ::recv(near.number(), room.data(), room.size(), MSG_DONTWAIT);
      REQUIRE(part > 0);
      got.append(room.data(), static_cast<std::size_t>(part));
    }
    REQUIRE(here.run(as_result(std::move(sent))));
  }
  CHECK(got.size() == 250);
  std::array<char, 1> room{};
  CHECK(::recv(near.number(), room.data(), 1, MSG_DONTWAIT) == -1);
  CHECK(errno == EAGAIN);
}

TEST_CASE("wait_writable: a full pipe is writable once it was read from", "[net][readiness]") {
  IN_EVERY_STYLE(style);
  loop here;
  pipe_ends pipe(O_NONBLOCK);
  const std::string much(1 << 16, 'x');
  while (::write(pipe.writer(), much.data(), much.size()) > 0) {}
  bool emptied = false;
  start(nop(), [&](result<void>) {
    std::string room(1 << 20, ' ');
    emptied = ::read(pipe.reader(), room.data(), room.size()) > 0;
  });
  CHECK(style.wait(wait_writable(pipe.writer())));
  CHECK(emptied);
}

TEST_CASE("wait_readable: a listener is readable when a connection has arrived", "[net][readiness]") {
  IN_EVERY_STYLE(style);
  loop here;
  const auto listening = *style.wait(tcp::listen(endpoint::loopback()));
  auto connecting = spawn(tcp::connect(listening.local_endpoint()));
  CHECK(style.wait(wait_readable(listening.number())));
  const int accepted = ::accept4(listening.number(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  CHECK(accepted >= 0);
  ::close(accepted);
  CHECK(here.run(as_result(std::move(connecting))));
}

TEST_CASE("wait_readable: several wait for one descriptor, and one that is stopped disturbs none",
          "[net][readiness]") {
  loop here;
  pipe_ends pipe;
  auto first = spawn(wait_readable(pipe.reader())), second = spawn(wait_readable(pipe.reader()));
  auto stopped = spawn(wait_readable(pipe.reader()));
  here.run(nop());
  stopped.request_stop();
  CHECK(here.run(as_result(std::move(stopped))).error() == std::errc::operation_canceled);
  put(pipe.writer(), "x");
  CHECK(here.run(as_result(std::move(first))));
  CHECK(here.run(as_result(std::move(second))));
}

TEST_CASE("wait_readable: a number that is not open is an error", "[net][readiness]") {
  IN_EVERY_STYLE(style);
  check_fails(style, wait_readable(9999), std::errc::bad_file_descriptor, "wait_readable", "descriptor 9999");
  check_fails(style, wait_writable(-1), std::errc::bad_file_descriptor, "wait_writable", "descriptor -1");
}

TEST_CASE("wait_readable: close of the descriptor's owner ends it", "[net][readiness]") {
  IN_EVERY_STYLE(style);
  loop here;
  auto [near, far] = connected_pair(style);
  auto waits = spawn(wait_readable(near.number()));
  here.run(nop());
  CHECK(style.wait(near.close()));
  CHECK(here.run(as_result(std::move(waits))).error() == std::errc::operation_canceled);
}

TEST_CASE("wait_readable: can be cancelled at each of its steps", "[net][readiness][cancellation]") {
  const auto program = []() -> task<> {
    pipe_ends pipe;
    auto writes = [&pipe]() -> task<> {
      co_await yield();
      put(pipe.writer(), "x");
    };
    auto both = when_all(wait_readable(pipe.reader()), writes);
    co_await std::move(both);
    co_await wait_writable(pipe.writer());
  };
  CHECK(every_cancellation(program) >= 1);
}
