#include "braid/loop/blocking_pool.hpp"

#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "braid/base/sanitizer.hpp"
#include "braid/loop/loop.hpp"
#include "braid/schedule/offload.hpp"
#include "braid/style/run.hpp"
#include "braid/style/start.hpp"
#include "catch.hpp"
#include "child_process.hpp"

namespace {

using namespace braid;
using braid_tests::contains;

TEST_CASE("blocking_pool: jobs run on several threads, none of them the loop's",
          "[loop][blocking_pool][threads]") {
  loop home;
  std::mutex mutex;
  std::condition_variable all_here;
  std::set<std::thread::id> threads;
  // Four jobs that wait for each other end only if four threads run them.
  for (int n = 0; n < 4; ++n)
    start(offload([&] {
            std::unique_lock lock(mutex);
            threads.insert(std::this_thread::get_id());
            all_here.notify_all();
            all_here.wait(lock, [&] { return threads.size() == 4; });
          }),
          [](result<void>) {});
  home.run();
  CHECK(threads.size() == 4);
  CHECK(threads.count(std::this_thread::get_id()) == 0);
}

TEST_CASE("blocking_pool: a thousand jobs all run, begun in the order they came",
          "[loop][blocking_pool][threads]") {
  loop home;
  int ended = 0;
  std::atomic<int> ran{0};
  for (int n = 0; n < 1000; ++n)
    start(offload([&] { ++ran; }), [&](result<void> r) { ended += r.has_value(); });
  home.run();
  CHECK(ran == 1000);
  CHECK(ended == 1000);
}

struct told_operation : io_operation {
  explicit told_operation(const request& asked) : io_operation(come, what), what(asked) {}
  static void come(operation_base& base, completion with) noexcept {
    static_cast<told_operation&>(static_cast<io_operation&>(base)).told.emplace(with.result);
  }
  request what;
  std::optional<std::int32_t> told;
};

TEST_CASE("perform_on_pool: a request's completion comes back to the loop",
          "[loop][blocking_pool][threads]") {
  loop home;
  char path[] = "/";
  told_operation open({.code = opcode::open, .descriptor = request::working_directory, .address = path});
  char nowhere[] = "/nowhere/at/all";
  told_operation fails({.code = opcode::open, .descriptor = request::working_directory, .address = nowhere});
  perform_on_pool(open);
  perform_on_pool(fails);
  CHECK_FALSE(open.told);
  home.run();
  REQUIRE(open.told);
  REQUIRE(*open.told >= 0);
  ::close(*open.told);
  CHECK(fails.told == -ENOENT);
}

TEST_CASE("blocking_pool: a forked child has a pool of its own", "[loop][blocking_pool][threads]") {
  if (BRAID_TSAN != 0) return;  // it knows no threads of a forked child
  run(offload([] {}));  // has threads here, of which the child has none
  const auto ended = braid_tests::in_child([] { return run(offload([] { return 7; })); });
  INFO(ended.errors);
  CHECK(ended.exit_status() == 7);
}

// A job that ends once it is let go.
struct held_job final : blocking_job {
  held_job() : blocking_job(work) {}
  static void work(blocking_job& job) noexcept {
    auto& self = static_cast<held_job&>(job);
    self.begun.set_value();
    self.let_go.get_future().wait();
    self.ended.set_value();
  }
  std::promise<void> begun, let_go, ended;
};

TEST_CASE("blocking_pool: a job that no thread has begun can be taken back, no other",
          "[loop][blocking_pool][threads]") {
  blocking_pool& pool = blocking_pool::instance();
  std::array<held_job, 4> busy;  // as many as there are threads
  for (held_job& each : busy) pool.submit(each);
  for (held_job& each : busy) each.begun.get_future().wait();
  held_job second, third;
  pool.submit(second);
  pool.submit(third);
  CHECK_FALSE(pool.withdraw(busy[0]));
  CHECK(pool.withdraw(second));
  CHECK_FALSE(pool.withdraw(second));
  for (held_job& each : busy) each.let_go.set_value();
  third.let_go.set_value();
  third.ended.get_future().wait();  // what is behind it has its turn
  CHECK_FALSE(pool.withdraw(third));
  pool.submit(second);
  second.let_go.set_value();
  second.ended.get_future().wait();
  for (held_job& each : busy) each.ended.get_future().wait();
}

// How many threads this process has.
std::size_t threads_here() {
  std::size_t count = 0;
  for (const auto& each : std::filesystem::directory_iterator("/proc/self/task")) count += each.exists();
  return count;
}

TEST_CASE("blocking_pool: threads start on demand, idle ones are kept", "[loop][blocking_pool][threads]") {
  if (BRAID_TSAN != 0) return;  // it knows no threads of a forked child
  const auto ended = braid_tests::in_child([] {
    const std::size_t without = threads_here();
    (void)blocking_pool::instance();
    if (threads_here() != without) return 1;
    loop home;
    home.run(offload([] {}));
    std::size_t before = threads_here();
    if (before == without) return 2;
    for (int n = 0; n < 100; ++n) {
      home.run(offload([] {}));
      if (threads_here() < before || threads_here() > without + 4) return 3;
      before = threads_here();
    }
    return 0;
  });
  INFO(ended.errors);
  CHECK(ended.exit_status() == 0);
}

TEST_CASE("blocking_pool: BRAID_BLOCKING_THREADS is a number from 1 to 1024, or refused",
          "[loop][blocking_pool]") {
  const auto with = [](const std::string& word) {
    return braid_tests::run_program(braid_tests::crash_program("blocking_threads"), {},
                                    {"BRAID_BLOCKING_THREADS=" + word});
  };
  CHECK(with("1").exit_status() == 0);
  CHECK(with("1024").exit_status() == 0);
  for (const std::string word : {"0", "-1", "1025", "garbage", "4x", " 4", "", "99999999999999999999"}) {
    const auto refused = with(word);
    INFO(word << ": " << refused.errors);
    CHECK(refused.signal() == SIGABRT);
    CHECK_THAT(refused.errors,
               contains("BRAID_BLOCKING_THREADS is '" + word + "'; it takes a number from 1 to 1024"));
  }
}

}  // namespace
