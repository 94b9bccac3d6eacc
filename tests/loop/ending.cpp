#include <sys/socket.h>

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "allocations.hpp"
#include "braid/combine/when_any.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/fs/file.hpp"
#include "braid/loop/loop.hpp"
#include "braid/loop/nop.hpp"
#include "braid/net/tcp.hpp"
#include "braid/schedule/offload.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/fiber.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "child_process.hpp"
#include "descriptors.hpp"

// The destructor of a loop with work in flight cancels everything, waits for it and destroys it.

namespace {

using namespace braid;
using namespace std::chrono_literals;
using braid_tests::open_descriptors;
using braid_tests::pipe_ends;

// A local variable of a coroutine or fiber that waits; counts its instances.
struct local {
  static inline int alive = 0;
  local() { ++alive; }
  local(const local&) { ++alive; }
  ~local() { --alive; }
};

TEST_CASE("loop's end: a waiting read ends as cancelled and calls its handler", "[loop][ending]") {
  pipe_ends pipe;
  file reader = file::from_descriptor(pipe.release_reader());
  std::array<char, 8> room{};
  std::optional<result<std::size_t>> finished;
  {
    loop home;
    start(reader.read_some(room), [&](result<std::size_t> ended) { finished.emplace(std::move(ended)); });
    const int turns = GENERATE(0, 1, 3);  // the reads have reached the kernel, or not yet
    for (int n = 0; n < turns; ++n) home.turn(false);
    CHECK_FALSE(finished);
  }
  REQUIRE(finished);
  CHECK(finished->error() == std::errc::operation_canceled);
  CHECK(::write(pipe.writer(), "x", 1) == 1);  // the kernel no longer uses the buffer
  char byte = 0;
  CHECK(::read(reader.number(), &byte, 1) == 1);
  CHECK(byte == 'x');
  CHECK(room[0] == 0);
}

TEST_CASE("loop's end: a request that waits for readiness ends as cancelled", "[loop][ending]") {
  struct outcome {
    using value_type = void;
    static constexpr const char* name() noexcept { return "receive"; }
    result<void> operator()(std::int32_t, const request&) const noexcept { return {}; }
  };
  std::array<int, 2> pair{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) == 0);
  std::array<char, 8> room{};
  std::optional<error> finished;
  {
    loop home;
    // With MSG_DONTWAIT the kernel returns EAGAIN; then the reactor polls and tries again.
    start(io_sender<outcome>{{.code = opcode::receive,
                              .descriptor = pair[0],
                              .address = room.data(),
                              .length = room.size(),
                              .flags = MSG_DONTWAIT},
                             {}},
          [&](result<void> ended) { finished.emplace(std::move(ended).error()); });
    const int turns = GENERATE(0, 1, 3);
    for (int n = 0; n < turns; ++n) home.turn(false);
  }
  REQUIRE(finished);
  CHECK(*finished == std::errc::operation_canceled);
  for (const int each : pair) ::close(each);
}

TEST_CASE("loop's end: sleeps end as cancelled", "[loop][ending]") {
  int canceled = 0;
  {
    loop home;
    for (int n = 0; n < 10; ++n)
      start(sleep_for(std::chrono::hours(n)), [&](result<void> ended) {
        canceled += !ended && ended.error() == std::errc::operation_canceled;
      });
  }
  CHECK(canceled == 10);
}

TEST_CASE("loop's end: a race of sleeps and a timeout end as cancelled", "[loop][ending]") {
  int finished = 0;
  pipe_ends pipe;
  file reader = file::from_descriptor(pipe.release_reader());
  std::array<char, 8> room{};
  {
    loop home;
    start(when_any(sleep_for(1h), sleep_for(2h), sleep_for(3h)), [&](auto ended) { finished += !ended; });
    start(with_timeout(reader.read_some(room), 1h), [&](auto ended) { finished += !ended; });
    start(with_timeout(sleep_for(2h), 1h), [&](auto ended) { finished += !ended; });
    if (GENERATE(false, true)) home.turn(false);
  }
  CHECK(finished == 3);
}

TEST_CASE("loop's end: a listener that waits for a connection ends as cancelled", "[loop][ending]") {
  const std::size_t open = open_descriptors();
  std::optional<error> finished;
  {
    loop home;
    tcp::listener listener = home.run(tcp::listen(endpoint::loopback()));
    start(listener.accept(), [&](auto ended) { finished.emplace(std::move(ended).error()); });
    home.turn(false);
    home.turn(false);
  }
  REQUIRE(finished);
  CHECK(*finished == std::errc::operation_canceled);
  CHECK(open_descriptors() == open);
}

TEST_CASE("loop's end: an offloaded function that runs is waited for", "[loop][ending][threads]") {
  std::atomic<bool> begun{false}, ended{false};
  bool finished = false;
  {
    loop home;
    start(offload([&] {
            begun = true;
            begun.notify_one();
            for (int n = 0; n < 1000; ++n) std::this_thread::yield();
            ended = true;
            return 5;
          }),
          [&](result<int> got) { finished = got && *got == 5; });
    begun.wait(false);
  }
  CHECK(ended);
  CHECK(finished);
}

// The loop may find the pool's message before the pool's thread has woken it. Its destructor must wait for
// that thread.
TEST_CASE("loop's end: waits for the wake-up of the last message", "[loop][ending][threads]") {
  int ended = 0;
  for (int round = 0; round < 1000; ++round) {
    loop home;
    bool done = false;
    start(offload([] {}), [&](result<void> r) {
      done = true;
      ended += r.has_value();
    });
    if (round % 2 == 0)
      home.run();
    else
      while (!done) home.run(round % 4 == 1 ? sleep_for(0ns) : sleep_for(1us));
  }
  CHECK(ended == 1000);
}

task<> waits_for(future<int> never) {
  local here;
  co_await std::move(never);
}

TEST_CASE("loop's end: tasks that wait for an unsettled promise are destroyed", "[loop][ending]") {
  promise<int> never;
  {
    loop home;
    detach(waits_for(never.get_future()));
    home.turn(false);
    CHECK(local::alive == 1);
  }
  CHECK(local::alive == 0);
  never.set_value(3);  // too late, and harmless
}

TEST_CASE("loop's end: a suspended fiber is unwound", "[loop][ending]") {
  promise<int> never;
  bool caught = false, caught_again = false;
  {
    loop home;
    detach(in_fiber([&, waited = never.get_future()]() mutable {
      local here;
      try {
        await(std::move(waited));
      } catch (const std::system_error& e) {
        caught = e.code() == std::errc::operation_canceled;
        try {
          await(sleep_for(1h));
        } catch (const std::system_error& again) {
          caught_again = again.code() == std::errc::operation_canceled;
        }
        throw;
      }
    }));
    home.turn(false);
    CHECK(local::alive == 1);
  }
  CHECK(local::alive == 0);
  CHECK(caught);
  CHECK(caught_again);
  never.set_value(3);
}

TEST_CASE("loop's end: handlers, tasks and posts that never ran are destroyed", "[loop][ending]") {
  {
    loop home;
    promise<int> never;
    start(never.get_future(), [here = local()](result<int>) {});
    home.post([here = local()] {});
    detach([here = local()]() -> task<> { co_await sleep_for(1h); });
    auto unstarted = [here = local()]() -> task<> { co_return; };
    CHECK(local::alive >= 4);
  }
  CHECK(local::alive == 0);
}

task<> yields_for_ever() {
  local here;
  for (;;) co_await yield();
}
task<> sleeps_for_ever() {
  local here;
  for (;;) co_await sleep_for(0ns);
}
task<> offloads_for_ever() {
  local here;
  for (;;) co_await offload([] {});
}
task<> requests_for_ever() {
  local here;
  for (;;) co_await nop();
}

TEST_CASE("loop's end: endless work is cancelled", "[loop][ending]") {
  {
    loop home;
    detach(yields_for_ever());
    detach(sleeps_for_ever());
    detach(offloads_for_ever());
    detach(requests_for_ever());
    detach(in_fiber([] {
      local here;
      for (;;) await(yield());
    }));
    for (int n = 0; n < 10; ++n) home.turn(false);
    CHECK(local::alive == 5);
  }
  CHECK(local::alive == 0);
}

TEST_CASE("loop's end: a function that posts itself is destroyed", "[loop][ending]") {
  struct poster {
    loop* home;
    local here;
    void operator()() const { home->post(*this); }
  };
  {
    loop home;
    home.post(poster{&home, {}});
    home.turn(false);
    CHECK(local::alive == 1);
  }
  CHECK(local::alive == 0);
}

TEST_CASE("loop's end: operations started meanwhile end as cancelled", "[loop][ending]") {
  std::vector<std::error_code> codes;
  {
    loop home;
    start(sleep_for(1h), [&](result<void>) {
      const auto note = [&](auto ended) {
        codes.push_back(ended ? std::error_code() : ended.error().code());
      };
      CHECK(loop::current().ending());
      start(sleep_for(1h), note);
      start(sleep_for(0s), note);
      start(nop(), note);
      start(yield(), note);
      start(offload([] {}), note);
    });
  }
  CHECK(codes == std::vector<std::error_code>(5, std::make_error_code(std::errc::operation_canceled)));
}

TEST_CASE("loop's end: a task that cleans up after its cancellation runs to its end", "[loop][ending]") {
  bool cleaned_up = false;
  {
    loop home;
    detach([&]() -> task<> {
      local here;
      try {
        co_await sleep_for(1h);
      } catch (const std::system_error&) {
        cleaned_up = true;
      }
    });
    home.turn(false);
  }
  CHECK(cleaned_up);
  CHECK(local::alive == 0);
}

TEST_CASE("loop's end: a future that outlives its loop has a result", "[loop][ending]") {
  std::optional<future<int>> kept;
  {
    loop home;
    promise<int> never;
    kept.emplace(spawn([]() -> task<int> {
      co_await sleep_for(1h);
      co_return 1;
    }));
  }
  CHECK_THROWS_AS(std::move(*kept).get(), std::system_error);
}

TEST_CASE("loop's end: static loops, thread-local loops and loops of static destructors end like any other",
          "[loop][ending]") {
  const auto ended = braid_tests::run_program(braid_tests::crash_program("static_loops"));
  INFO(ended.errors);
  CHECK(ended.exit_status() == 0);
  std::multiset<std::string> words;
  std::istringstream lines(ended.output);
  for (std::string line; std::getline(lines, line);) words.insert(line);
  CHECK(words == std::multiset<std::string>{"fiber", "fiber", "fiber", "late", "task", "task", "task"});
}

TEST_CASE("loop's end: many kinds of work on a small ring leave nothing behind", "[loop][ending]") {
  const auto everything = [] {
    std::vector<std::unique_ptr<pipe_ends>> pipes;
    std::vector<std::unique_ptr<std::array<char, 16>>> rooms;
    std::vector<file> readers;
    int finished = 0;
    {
      loop home({.entries = 8});
      for (int n = 0; n < 100; ++n) {
        pipes.push_back(std::make_unique<pipe_ends>(n % 2 == 0 ? 0 : O_NONBLOCK));
        rooms.push_back(std::make_unique<std::array<char, 16>>());
        readers.push_back(file::from_descriptor(pipes.back()->release_reader()));
        start(readers.back().read_some(*rooms.back()), [&](auto) { ++finished; });
        start(sleep_for(1h), [&](auto) { ++finished; });
        start(offload([] {}), [&](auto) { ++finished; });
        start(nop(), [&](auto) { ++finished; });
        detach(in_fiber([] { await(sleep_for(1h)); }));
        detach(yields_for_ever());
      }
      const int turns = 3;
      for (int n = 0; n < turns; ++n) home.turn(false);
    }
    return finished;
  };
  CHECK(everything() == 400);
  const std::size_t open = open_descriptors();
  CHECK(everything() == 400);
  CHECK(open_descriptors() == open);
  CHECK(local::alive == 0);
}

}  // namespace
