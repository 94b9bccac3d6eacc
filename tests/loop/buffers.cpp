#include <fcntl.h>

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "braid/base/detail/poison.hpp"
#include "braid/combine/when_any.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/fs/file.hpp"
#include "braid/loop/loop.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "read_pipe.hpp"
#include "recorder.hpp"
#include "sanitized.hpp"

// While a read is in flight its buffer belongs to the kernel. However the read ends, it finishes only after
// the kernel has given the buffer up.

namespace {

using namespace braid;
using namespace std::chrono_literals;
using braid_tests::read_pipe;
using braid_tests::recorded;

template <std::size_t N>
[[nodiscard]] bool in_the_kernels_hands([[maybe_unused]] const std::array<char, N>& room) {
#if BRAID_ASAN
  return __asan_region_is_poisoned(const_cast<char*>(room.data()), N) != nullptr;
#else
  return false;
#endif
}

void turns(loop& home, int count) {
  for (int n = 0; n < count; ++n) home.turn(false);
}

TEST_CASE("read: its buffer is poisoned while it is in flight, and only then", "[loop][io_sender]") {
  loop home;
  read_pipe pipe;
  std::array<char, 16> room{};
  std::size_t got = 0;
  bool poisoned_when_finished = true;
  start(pipe.reader.read_some(room), [&](result<std::size_t> ended) {
    got = *ended;
    poisoned_when_finished = in_the_kernels_hands(room);
  });
  CHECK(in_the_kernels_hands(room) == (BRAID_ASAN == 1));
  turns(home, 3);
  CHECK(in_the_kernels_hands(room) == (BRAID_ASAN == 1));
  pipe.write("abc");
  home.run();
  CHECK(got == 3);
  CHECK_FALSE(poisoned_when_finished);
  CHECK(std::string_view(room.data(), 3) == "abc");
}

// Begins a read that does not end by itself and ends it in another way; then the kernel must leave the buffer
// alone.
template <class Begin, class End>
void gives_the_buffer_back(Begin begin, End end) {
  const int flags = GENERATE(0, O_NONBLOCK);
  const int turns_before = GENERATE(0, 3);
  std::optional<loop> home(std::in_place);
  read_pipe pipe(flags);
  std::array<char, 16> room{};
  int finished = 0;
  bool poisoned_when_finished = false;
  begin(pipe.reader.read_some(room), [&](auto) {
    ++finished;
    poisoned_when_finished = poisoned_when_finished || in_the_kernels_hands(room);
  });
  turns(*home, turns_before);
  CHECK(finished == 0);
  CHECK(in_the_kernels_hands(room) == (BRAID_ASAN == 1));
  end(home);
  CHECK(finished == 1);
  CHECK_FALSE(poisoned_when_finished);
  CHECK_FALSE(in_the_kernels_hands(room));
  pipe.write("late");  // no read takes this any more
  if (home) turns(*home, 3);
  CHECK(room == std::array<char, 16>{});
  CHECK(pipe.rest() == "late");
}

TEST_CASE("read: a stop request returns the buffer before it completes", "[loop][io_sender]") {
  stop_source source;
  gives_the_buffer_back(
      [&](auto read, auto handler) { start(with_stop_token(std::move(read), source.get_token()), handler); },
      [&](std::optional<loop>& home) {
        source.request_stop();
        home->run();
      });
}

TEST_CASE("read: a stop request from another thread returns the buffer before it completes",
          "[loop][io_sender][threads]") {
  stop_source source;
  gives_the_buffer_back(
      [&](auto read, auto handler) { start(with_stop_token(std::move(read), source.get_token()), handler); },
      [&](std::optional<loop>& home) {
        std::thread other([&] { source.request_stop(); });
        home->run();
        other.join();
      });
}

TEST_CASE("read: a time-out returns the buffer before it completes", "[loop][io_sender]") {
  bool due = false;
  gives_the_buffer_back(
      [&](auto read, auto handler) {
        // A deadline that expires when the test decides.
        start(when_any(std::move(read),
                       [&]() -> task<> {
                         while (!due) co_await yield();
                       }),
              handler);
      },
      [&](std::optional<loop>& home) {
        due = true;
        home->run();
      });
}

TEST_CASE("read: a time-out of zero returns the buffer before it completes", "[loop][io_sender]") {
  loop home;
  read_pipe pipe;
  std::array<char, 16> room{};
  const auto ended = home.run(as_result(with_timeout(pipe.reader.read_some(room), 0ns)));
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == std::errc::timed_out);
  CHECK_FALSE(in_the_kernels_hands(room));
  pipe.write("late");
  turns(home, 3);
  CHECK(pipe.rest() == "late");
}

TEST_CASE("read: a lost race returns the buffer before the race ends", "[loop][io_sender]") {
  loop home;
  read_pipe slow, quick;
  std::array<char, 16> slow_room{}, quick_room{};
  quick.write("won");
  const auto first = home.run(when_any(slow.reader.read_some(slow_room), quick.reader.read_some(quick_room)));
  CHECK(first.index == 1);
  CHECK_FALSE(in_the_kernels_hands(slow_room));
  CHECK(std::string_view(quick_room.data(), 3) == "won");
  slow.write("late");
  turns(home, 3);
  CHECK(slow_room == std::array<char, 16>{});
  CHECK(slow.rest() == "late");
}

TEST_CASE("read: the loop's end returns the buffer before it completes", "[loop][io_sender]") {
  gives_the_buffer_back([](auto read, auto handler) { start(std::move(read), handler); },
                        [](std::optional<loop>& home) { home.reset(); });
}

TEST_CASE("read: if stop was requested before the start, it never reaches the kernel", "[loop][io_sender]") {
  loop home;
  read_pipe pipe;
  pipe.write("data");
  std::array<char, 16> room{};
  stop_source source;
  source.request_stop();
  recorded read(pipe.reader.read_some(room), source.get_token());
  read.start();
  CHECK_FALSE(in_the_kernels_hands(room));
  CHECK(home.in_flight() == 0);
  home.run();
  REQUIRE(read.done());
  CHECK(read.result().error() == std::errc::operation_canceled);
  CHECK(pipe.rest() == "data");
}

TEST_CASE("read: a stop request that arrives with the data loses nothing", "[loop][io_sender]") {
  loop home;
  read_pipe pipe;
  std::array<char, 16> room{};
  stop_source source;
  recorded read(pipe.reader.read_some(room), source.get_token());
  read.start();
  turns(home, 2);
  pipe.write("data");
  source.request_stop();
  home.run();
  REQUIRE(read.heard.times == 1);
  // Either the read got the data, or all of it is still in the pipe.
  if (read.result())
    CHECK(std::string(room.data(), *read.result()) + pipe.rest() == "data");
  else
    CHECK(pipe.rest() == "data");
}

// Another thread requests stop while data arrives, in every order: each read ends exactly once.
TEST_CASE("read: stop requests from another thread race with data and lose nothing",
          "[loop][io_sender][threads]") {
  loop home;
  read_pipe pipe;
  int ended = 0, lost = 0;
  for (int round = 0; round < 500; ++round) {
    std::array<char, 4> room{};
    stop_source source;
    recorded read(pipe.reader.read_some(room), source.get_token());
    std::thread other([&, round] {
      if (round % 2 == 0) pipe.write("data");
      source.request_stop();
      if (round % 2 != 0) pipe.write("data");
    });
    read.start();
    while (!read.done()) home.turn(true);
    other.join();
    home.run();
    ended += read.heard.times;
    const std::string rest = pipe.rest();
    ::fcntl(pipe.reader.number(), F_SETFL, 0);
    if ((read.result() ? std::string(room.data(), *read.result()) : std::string()) + rest != "data") ++lost;
  }
  CHECK(ended == 500);
  CHECK(lost == 0);
}

}  // namespace
