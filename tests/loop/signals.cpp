// Signals that hit the loop's thread at any moment: while it waits, and while the kernel makes threads for
// requests.

#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/fs/file.hpp"
#include "braid/fs/whole_file.hpp"
#include "braid/loop/loop.hpp"
#include "braid/net/tcp.hpp"
#include "braid/schedule/offload.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "descriptors.hpp"
#include "every_style.hpp"
#include "scratch_folder.hpp"

using namespace braid;
using namespace std::chrono_literals;
using namespace braid_tests;

namespace {

// While it lives, sends this thread one signal after the other, each once the previous one has been handled.
class signal_storm {
 public:
  signal_storm() {
    handled = 0;
    struct sigaction action{};
    action.sa_handler = [](int) { ++handled; };  // without SA_RESTART
    ::sigaction(SIGUSR1, &action, &before_);
    sender_ = std::thread([this, target = ::pthread_self()] {
      for (int sent = 0; !over_; ++sent) {
        ::pthread_kill(target, SIGUSR1);
        while (handled <= sent && !over_) std::this_thread::yield();
      }
    });
  }
  signal_storm(const signal_storm&) = delete;
  signal_storm& operator=(const signal_storm&) = delete;
  ~signal_storm() {
    over_ = true;
    sender_.join();
    ::sigaction(SIGUSR1, &before_, nullptr);
  }
  static inline std::atomic<int> handled = 0;

 private:
  struct sigaction before_{};
  std::atomic<bool> over_ = false;
  std::thread sender_;
};

}  // namespace

TEST_CASE("signals: requests on kernel threads succeed while signals arrive", "[loop][signals]") {
  const scratch_folder folder;
  constexpr int fifos = 8;
  std::vector<std::string> names;
  for (int n = 0; n < fifos; ++n) {
    names.push_back((folder / ("fifo " + std::to_string(n))).string());
    REQUIRE(::mkfifo(names.back().c_str(), 0666) == 0);
  }
  const std::string text(50'000, 'x');
  const signal_storm storm;
  for (int round = 0; round < 20; ++round) {
    loop here;  // its kernel threads are made anew
    const auto through = [&](int n) -> task<std::string> {
      auto reading = spawn(read_file(names[static_cast<std::size_t>(n)]));
      co_await write_file(names[static_cast<std::size_t>(n)], "through " + std::to_string(n));
      co_return co_await std::move(reading);
    };
    const auto on_disk = [&](int n) -> task<std::string> {
      const auto path = folder / ("file " + std::to_string(n));
      co_await write_file(path, text);
      co_return co_await read_file(path);
    };
    std::vector<task<std::string>> all;
    for (int n = 0; n < fifos; ++n) {
      all.push_back(through(n));
      all.push_back(on_disk(n));
    }
    const auto got = here.run(when_all(std::move(all)));
    for (int n = 0; n < fifos; ++n) {
      CHECK(got[static_cast<std::size_t>(2 * n)] == "through " + std::to_string(n));
      CHECK((got[static_cast<std::size_t>(2 * n + 1)] == text));
    }
    CHECK(here.run(offload([] { return 1; })) == 1);
  }
  CHECK(storm.handled > 0);
}

TEST_CASE("signals: do not disturb sockets and timers", "[loop][signals]") {
  const signal_storm storm;
  loop here;
  const auto talk = [&]() -> task<std::string> {
    tcp::listener at = co_await tcp::listen(endpoint("127.0.0.1", 0));
    auto connecting = spawn(tcp::connect(at.local_endpoint()));
    tcp::stream peer = co_await at.accept();
    tcp::stream to = co_await std::move(connecting);
    std::string room(200'000, '?');
    auto reading = spawn(peer.read_exactly(room));
    co_await sleep_for(1ms);
    co_await to.write_all(std::string(room.size(), 'y'));
    co_await std::move(reading);
    co_return room;
  };
  for (int round = 0; round < 5; ++round) CHECK((here.run(talk()) == std::string(200'000, 'y')));
}

// The kernel interrupts each kind of request with another errno. After a stop request it must be a
// cancellation.
TEST_CASE("signals: a stopped request ends as cancelled while signals arrive", "[loop][signals][stop]") {
  IN_EVERY_STYLE(style);
  const bool with_signals = GENERATE(false, true);
  std::optional<signal_storm> storm;
  if (with_signals) storm.emplace();
  const scratch_folder folder;
  const std::string fifo = (folder / "fifo").string();
  REQUIRE(::mkfifo(fifo.c_str(), 0666) == 0);
  loop here;
  const auto ends_as_cancelled = [&](const char* what, auto op) {
    INFO(what);
    stop_source stop;
    start(sleep_for(2ms), [&](auto) { stop.request_stop(); });
    const auto ended = style.wait(with_stop_token(std::move(op), stop.get_token()));
    REQUIRE_FALSE(ended);
    CHECK(ended.error() == std::errc::operation_canceled);
  };
  std::array<char, 16> room{};
  ends_as_cancelled("open to read", open_file(fifo));
  ends_as_cancelled("open to write", open_file(fifo, O_WRONLY));
  ends_as_cancelled("read_file", read_file(fifo));
  ends_as_cancelled("write_file", write_file(fifo, "text"));
  {
    pipe_ends ends;
    const file reader = file::from_descriptor(ends.release_reader());
    const file writer = file::from_descriptor(ends.release_writer());
    ends_as_cancelled("read_some", reader.read_some(room));
    ends_as_cancelled("read_at", reader.read_at(0, room));
    ends_as_cancelled("read_exactly", reader.read_exactly(room));
    ends_as_cancelled("write_all", writer.write_all(std::string(1 << 20, 'x')));
  }
  tcp::listener at = here.run(tcp::listen(endpoint("127.0.0.1", 0)));
  ends_as_cancelled("accept", at.accept());
  auto connecting = spawn(tcp::connect(at.local_endpoint()));
  const tcp::stream peer = here.run(at.accept());
  const tcp::stream to = here.run(std::move(connecting));
  ends_as_cancelled("receive", to.read_some(room));
  ends_as_cancelled("receive all", to.read_exactly(room));
  ends_as_cancelled("send", to.write_all(std::string(64 << 20, 'x')));
}
