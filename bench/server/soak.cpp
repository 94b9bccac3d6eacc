// Clients that behave badly against an echo server in the same process: they end early, close one half,
// reset, read slowly, cancel reads, time out, give up at any step, and use up all descriptors. Every byte
// that comes back is checked. At the end descriptors and memory must be what they were after a quarter of
// the time.
//
//   soak [--seconds S] [--clients N] [--seed N]        BRAID_BACKEND chooses the reactor

#include <braid/braid.hpp>

#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iterator>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

extern "C" [[gnu::weak]] std::size_t __sanitizer_get_current_allocated_bytes();

namespace {

using namespace braid;
using namespace std::chrono_literals;

enum class way : unsigned { echo, ends_early, half_close, reset, slow, cancels, times_out, count };
constexpr std::array names{"echo", "ends early", "half-close", "reset", "slow", "cancels", "times out"};

struct state {
  std::mt19937_64 random;
  loop_clock::time_point until;
  endpoint at;
  std::array<std::uint64_t, names.size()> done{};
  std::uint64_t bytes = 0, given_up = 0, without_descriptor = 0, server_errors = 0;
  bool failed = false;

  unsigned below(unsigned n) { return static_cast<unsigned>(random() % n); }
  [[nodiscard]] bool is_over() const { return loop_clock::now() >= until; }
  void fail(const std::string& why) {
    std::fprintf(stderr, "soak: %s\n", why.c_str());
    failed = true;
  }
};

std::string text_of(state& all, std::size_t size) {
  std::string text(size, '\0');
  const std::uint64_t first = all.random();
  for (std::size_t n = 0; n < size; ++n) text[n] = static_cast<char>((first + n * n) >> 3);
  return text;
}

task<> echo(tcp::stream client) {
  tcp::incoming_bytes arriving = client.incoming_bytes();
  for (;;) {
    const std::optional<leased_bytes> part = co_await arriving.next();
    if (!part) co_return;
    co_await client.write_all(*part);
  }
}

task<> expect_back(state& all, tcp::stream& server, const std::string& sent) {
  std::string back(sent.size(), '\0');
  co_await server.read_exactly(back);
  if (back != sent) all.fail("the bytes that came back are others");
  all.bytes += back.size();
}

// Reads with time-outs that often cancel it, and must not lose a byte.
task<> expect_back_cancelled(state& all, tcp::stream& server, const std::string& sent) {
  std::string back;
  std::array<char, 512> room;
  while (back.size() < sent.size()) {
    auto reading = as_result(with_timeout(server.read_some(room), std::chrono::microseconds(all.below(300))));
    const result<std::size_t> got = co_await std::move(reading);
    if (got && *got == 0) break;
    if (got) back.append(room.data(), *got);
    if (!got && got.error().code().category() != timeout_category()) got.error().rethrow();
  }
  if (back != sent) all.fail("a cancelled read has lost or invented bytes");
  all.bytes += back.size();
}

task<> behave(state& all, way how) {
  tcp::stream server = co_await with_timeout(tcp::connect(all.at), 30s);
  const std::string sent = text_of(all, 1 + all.below(how == way::slow ? 500'000 : 3000));
  switch (how) {
    case way::echo:
      for (unsigned n = 1 + all.below(8); n != 0; --n) {
        co_await server.write_all(sent);
        co_await expect_back(all, server, sent);
      }
      break;
    case way::ends_early: break;
    case way::half_close: {
      co_await server.write_all(sent);
      co_await server.shutdown_send();
      co_await expect_back(all, server, sent);
      char one_more = 0;
      const std::size_t more = co_await server.read_some(writable_bytes(std::span(&one_more, 1)));
      if (more != 0) all.fail("the server sent more than it got");
      break;
    }
    case way::reset:
      co_await server.write_all(sent);
      server.set_options({.linger = 0s});
      break;
    case way::slow: {
      const auto reads = [&]() -> task<> {
        std::string back;
        std::array<char, 3000> room;
        while (back.size() < sent.size()) {
          const std::size_t got = co_await server.read_some(room);
          if (got == 0) break;
          back.append(room.data(), got);
          if (all.below(20) == 0) co_await sleep_for(1ms);
        }
        if (back != sent) all.fail("a slow reader got other bytes");
        all.bytes += back.size();
      };
      co_await when_all(server.write_all(sent), reads());
      break;
    }
    case way::cancels:
      co_await server.write_all(sent);
      co_await expect_back_cancelled(all, server, sent);
      break;
    case way::times_out: {
      char none = 0;
      auto waiting = as_result(with_timeout(server.read_some(std::span(&none, 1)), 2ms));
      const result<std::size_t> ended = co_await std::move(waiting);
      if (ended) all.fail("a read without data ended");
      if (!ended && ended.error().code().category() != timeout_category()) ended.error().rethrow();
      break;
    }
    case way::count: break;
  }
  co_await server.close();
}

// A client may fail in these ways while another one holds all descriptors, or while the server has none left
// to accept with.
bool is_for_want_of_descriptors(const error& why) {
  return why == std::errc::too_many_files_open || why == std::errc::connection_reset ||
         why == std::errc::broken_pipe || why == errc::end_of_stream;
}

struct shortage {
  bool now = false;
  std::uint64_t times = 0;
};

task<> client(state& all, shortage& lack) {
  while (!all.is_over() && !all.failed) {
    const auto how = static_cast<way>(all.below(static_cast<unsigned>(way::count)));
    const std::uint64_t times = lack.times;
    const bool gives_up = all.below(4) == 0;  // at any of its steps
    const auto patience = gives_up ? std::chrono::microseconds(all.below(5000)) : 5min;
    auto behaving = as_result(with_timeout(behave(all, how), patience));
    const result<void> ended = co_await std::move(behaving);
    ++all.done[static_cast<std::size_t>(how)];
    if (ended) continue;
    if (gives_up && ended.error().code().category() == timeout_category()) {
      ++all.given_up;
      continue;
    }
    if (!(lack.now || lack.times != times) || !is_for_want_of_descriptors(ended.error()))
      all.fail(std::string(names[static_cast<std::size_t>(how)]) + ": " + ended.error().message());
    ++all.without_descriptor;
    co_await sleep_for(1ms);
  }
}

task<> use_up_descriptors(state& all, shortage& lack) {
  while (!all.is_over() && !all.failed) {
    co_await sleep_for(500ms);
    std::vector<descriptor> held;
    held.reserve(100'000);
    lack.now = true;
    ++lack.times;
    for (int made = 0; (made = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) held.emplace_back(made);
    co_await sleep_for(20ms);
    held.clear();
    co_await sleep_for(1500ms);  // until the server has got over it
    lack.now = false;
    ++lack.times;
  }
}

std::size_t open_descriptors() {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

std::size_t memory_in_use() {
  if (__sanitizer_get_current_allocated_bytes != nullptr) return __sanitizer_get_current_allocated_bytes();
  const struct mallinfo2 all = ::mallinfo2();
  return all.uordblks + all.hblkhd;
}

task<> run_for(state& all, std::size_t clients, loop_clock::duration time) {
  all.until = loop_clock::after(time);
  shortage lack;
  std::vector<future<void>> running;
  running.push_back(spawn(use_up_descriptors(all, lack)));
  for (std::size_t n = 0; n < clients; ++n) running.push_back(spawn(client(all, lack)));
  co_await when_all(std::move(running));
}

}  // namespace

int main(int argc, char** argv) {
  double seconds = 300;
  std::size_t clients = 60;
  std::uint64_t seed = 1;
  CLI::App app("clients that behave badly against an echo server");
  app.add_option("--seconds", seconds);
  app.add_option("--clients", clients);
  app.add_option("--seed", seed);
  CLI11_PARSE(app, argc, argv);
  const rlimit files{500, 500};
  ::setrlimit(RLIMIT_NOFILE, &files);

  loop here;
  state all{.random = std::mt19937_64(seed), .until = {}, .at = endpoint::loopback()};
  tcp::listener door = tcp::listen_now(endpoint::loopback());
  all.at = door.local_endpoint();
  serve_options how;
  how.on_error = [&](const error& why) {
    ++all.server_errors;
    if (!is_for_want_of_descriptors(why)) all.fail("the server: " + why.message());
  };
  future<void> serving = spawn(tcp::serve(door, echo, std::move(how)));

  // Pools and caches fill in the first part, so that what grows afterwards is a leak.
  const auto part =
      std::chrono::duration_cast<loop_clock::duration>(std::chrono::duration<double>(seconds / 4));
  here.run(run_for(all, clients, part));
  here.run(sleep_for(100ms));
  const std::size_t descriptors = open_descriptors(), memory = memory_in_use();
  for (int n = 0; n < 3 && !all.failed; ++n) here.run(run_for(all, clients, part));
  here.run(sleep_for(100ms));
  std::printf("%zu -> %zu descriptors, %zu -> %zu bytes in use\n", descriptors, open_descriptors(), memory,
              memory_in_use());
  std::printf(
      "%llu bytes came back; %llu clients gave up; %llu failed for want of descriptors; %llu errors at the "
      "server\n",
      static_cast<unsigned long long>(all.bytes), static_cast<unsigned long long>(all.given_up),
      static_cast<unsigned long long>(all.without_descriptor),
      static_cast<unsigned long long>(all.server_errors));
  for (std::size_t n = 0; n < names.size(); ++n)
    std::printf("  %s: %llu\n", names[n], static_cast<unsigned long long>(all.done[n]));
  if (open_descriptors() > descriptors) all.fail("descriptors were lost");
  if (memory_in_use() > memory + memory / 4 + (1 << 20)) all.fail("memory has grown");
  here.run(door.close());
  here.run(std::move(serving));
  return all.failed ? 1 : 0;
}
