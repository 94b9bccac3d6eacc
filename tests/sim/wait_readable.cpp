// wait_readable and wait_writable on the sockets and pipes of a world.

#include "braid/net/wait_readable.hpp"

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>

#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/fs/borrowed_file.hpp"
#include "braid/fs/pipe.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/sim/virtual_time.hpp"
#include "braid/style/spawn.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "two_hosts.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

constexpr auto one_way = 1ms;

struct watched_hosts : two_hosts {
  watched_hosts() : two_hosts({.least_latency = one_way, .most_latency = one_way, .buffer_bytes = 4096}) {}
  future<void> awaits_readable(sim::host& at, int number) {
    const current_loop_scope there(&at.its_loop());
    return spawn(wait_readable(number));
  }
  future<void> awaits_writable(sim::host& at, int number) {
    const current_loop_scope there(&at.its_loop());
    return spawn(wait_writable(number));
  }
};

}  // namespace

TEST_CASE("wait_readable: in a world it ends when bytes arrive, which stay there", "[sim][readiness]") {
  watched_hosts here;
  here.connect();
  auto waits = here.awaits_readable(here.client, here.near.number());
  here.world.run_for(1h);
  CHECK_FALSE(waits.is_ready());
  CHECK(here.on(here.server, here.far.write_all("abc")) == 0);
  const auto sent = here.world.now();
  CHECK(here.on(here.client, std::move(waits)) == 0);
  CHECK(here.world.now() - sent >= one_way);
  CHECK(here.on(here.client, wait_readable(here.near.number())) == 0);
  std::string got = room(3);
  CHECK(here.on(here.client, here.near.read_some(got)) == 3);
  CHECK(got == "abc");
  CHECK(here.on(here.client, with_timeout(wait_readable(here.near.number()), 1s)) == -ETIMEDOUT);
}

TEST_CASE("wait_readable: in a world the end and a reset are readable, and a reset is writable",
          "[sim][readiness]") {
  watched_hosts here;
  here.connect();
  std::string got = room(3);
  SECTION("the end") {
    auto waits = here.awaits_readable(here.client, here.near.number());
    CHECK(here.on(here.server, here.far.close()) == 0);
    CHECK(here.on(here.client, std::move(waits)) == 0);
    CHECK(here.on(here.client, here.near.read_some(got)) == 0);
  }
  SECTION("a reset while it waits to read") {
    auto waits = here.awaits_readable(here.client, here.near.number());
    here.world.run_until_idle();
    here.resets(here.server, here.far);
    CHECK(here.on(here.client, std::move(waits)) == 0);
    CHECK(here.on(here.client, here.near.read_some(got)) == -ECONNRESET);
  }
  SECTION("a reset while it waits to write") {
    CHECK(here.fill(here.client, here.near) > 0);
    auto waits = here.awaits_writable(here.client, here.near.number());
    here.world.run_until_idle();
    CHECK_FALSE(waits.is_ready());
    here.resets(here.server, here.far);
    CHECK(here.on(here.client, std::move(waits)) == 0);
    CHECK(here.on(here.client, here.near.write_some("x")) == -ECONNRESET);
  }
}

TEST_CASE("wait_writable: in a world a full connection is writable once its peer has read",
          "[sim][readiness]") {
  watched_hosts here;
  here.connect();
  CHECK(here.on(here.client, wait_writable(here.near.number())) == 0);
  const int written = here.fill(here.client, here.near);
  auto waits = here.awaits_writable(here.client, here.near.number());
  here.world.run_for(1h);
  CHECK_FALSE(waits.is_ready());
  std::string got = room(static_cast<std::size_t>(written));
  CHECK(here.on(here.server, here.far.read_exactly(got)) == 0);
  CHECK(here.on(here.client, std::move(waits)) == 0);
  CHECK(here.on(here.client, here.near.write_some("x")) == 1);
}

TEST_CASE("wait_readable: in a world a listener is readable when a connection has arrived",
          "[sim][readiness]") {
  watched_hosts here;
  here.listen();
  auto waits = here.awaits_readable(here.server, here.listening.number());
  here.world.run_until_idle();
  CHECK_FALSE(waits.is_ready());
  here.near = here.world.run_on(here.client, tcp::connect(here.at_server()));
  CHECK(here.on(here.server, std::move(waits)) == 0);
  CHECK(here.on(here.server, here.take_one()) == 0);
}

TEST_CASE("wait_readable: in a world a pipe has bytes, room, or an end", "[sim][readiness]") {
  watched_hosts here;
  pipe_pair ends = here.world.run_on(here.client, [&]() -> task<pipe_pair> { co_return pipe(); });
  auto waits = here.awaits_readable(here.client, ends.reader.number());
  here.world.run_until_idle();
  CHECK_FALSE(waits.is_ready());
  const std::string much(64 << 10, 'x');  // all that a pipe holds
  CHECK(here.on(here.client, ends.writer.write_all(much)) == 0);
  CHECK(here.on(here.client, std::move(waits)) == 0);

  waits = here.awaits_writable(here.client, ends.writer.number());
  here.world.run_until_idle();
  CHECK_FALSE(waits.is_ready());
  std::string got = room(much.size());
  SECTION("it is read from") {
    CHECK(here.on(here.client, ends.reader.read_exactly(got)) == 0);
    CHECK(here.on(here.client, std::move(waits)) == 0);
    CHECK(here.on(here.client, ends.writer.close()) == 0);
    CHECK(here.on(here.client, wait_readable(ends.reader.number())) == 0);
    CHECK(here.on(here.client, ends.reader.read_some(got)) == 0);
  }
  SECTION("its reader is closed") {
    CHECK(here.on(here.client, ends.reader.close()) == 0);
    CHECK(here.on(here.client, std::move(waits)) == 0);
    CHECK(here.on(here.client, ends.writer.write_some("x")) == -EPIPE);
  }
}

TEST_CASE("wait_readable: in a world a close ends it, and a number that is not open is an error",
          "[sim][readiness]") {
  watched_hosts here;
  here.connect();
  auto waits = here.awaits_readable(here.client, here.near.number());
  here.world.run_until_idle();
  CHECK(here.on(here.client, here.near.close()) == 0);
  CHECK(here.on(here.client, std::move(waits)) == -ECANCELED);
  CHECK(here.on(here.client, wait_readable(9999)) == -EBADF);
  CHECK(here.on(here.client, wait_writable(-1)) == -EBADF);
}

TEST_CASE("standard_input: a host of a world has no terminal", "[sim][readiness]") {
  watched_hosts here;
  const auto reads = []() -> task<std::size_t> {
    std::string got = room(1);
    const borrowed_file input = standard_input();
    co_return co_await input.read_some(got);
  };
  CHECK(here.on(here.client, reads()) == -EBADF);
}

TEST_CASE("wait_readable: in a world it can be stopped, also while a fault delays it, and takes nothing",
          "[sim][readiness][cancellation]") {
  watched_hosts here;
  here.connect();
  if (GENERATE(false, true)) here.world.faults().add({.what = sim::fault::late, .nth = 1, .delay = 1h});
  auto first = here.awaits_readable(here.client, here.near.number());
  auto second = here.awaits_readable(here.client, here.near.number());
  here.world.run_for(1s);
  first.request_stop();
  CHECK(here.on(here.client, std::move(first)) == -ECANCELED);
  CHECK(here.on(here.server, here.far.write_all("abc")) == 0);
  CHECK(here.on(here.client, std::move(second)) == 0);
  std::string got = room(3);
  CHECK(here.on(here.client, here.near.read_exactly(got)) == 0);
  CHECK(got == "abc");
}

// The loop of this program is a host of a world.
TEST_CASE("wait_readable: in a world it can be cancelled at each await, between the ends of a pipe",
          "[sim][readiness][cancellation]") {
  const sim::virtual_time clock;
  const auto program = []() -> task<> {
    const pipe_pair ends = pipe();
    const auto writes = [&ends]() -> task<> {
      co_await yield();
      co_await wait_writable(ends.writer.number());
      co_await ends.writer.write_all("x");
    };
    std::string got = room(4);
    const auto reads = [&]() -> task<> {
      co_await wait_readable(ends.reader.number());
      co_await wait_readable(ends.reader.number());  // it takes nothing
      got.resize(co_await ends.reader.read_some(got));
    };
    auto both = when_all(reads, writes);
    co_await std::move(both);
    CHECK(got == "x");
  };
  CHECK(every_cancellation(program) >= 3);
}

TEST_CASE("wait_readable: in a world it can be cancelled at each await, between the ends of a connection",
          "[sim][readiness][cancellation]") {
  // Something happens each millisecond; a stop comes before, at and after each of these instants.
  bool ended_by_itself = false;
  for (auto at = 0us; !ended_by_itself; at += 250us) {
    watched_hosts here;
    here.connect();
    CAPTURE(at);
    std::string received;
    const auto asks = [&]() -> task<> {
      std::string part = room(2);
      for (int i = 0; i < 3; ++i) {
        co_await wait_writable(here.near.number());
        co_await here.near.write_all("?");
        co_await wait_readable(here.near.number());
        received += part.substr(0, co_await here.near.read_some(part));
      }
    };
    std::size_t answers = 0;
    const auto echoes = [&]() -> task<> {
      std::string part = room(1);
      for (;;) {
        co_await wait_readable(here.far.number());
        const std::size_t got = co_await here.far.read_some(part);
        if (got == 0) co_return;
        co_await here.far.write_all("!");
        ++answers;
      }
    };
    here.start_on(here.server, echoes());
    stop_source stop;
    here.world.after(at, [&stop] { stop.request_stop(); });
    const int ended = here.on(here.client, with_stop_token(asks(), stop.get_token()));
    ended_by_itself = ended == 0;
    CHECK((ended_by_itself || ended == -ECANCELED));
    here.world.run_for(1s);
    std::string rest = room(answers - received.size());
    CHECK(here.on(here.client, here.near.read_exactly(rest)) == 0);
    CHECK(received + rest == std::string(answers, '!'));  // a wait that was stopped has taken nothing
    CHECK(here.on(here.client, here.near.close()) == 0);
    here.world.run_until_idle();
  }
}
