#include "braid/loop/detail/blocking_pool.hpp"

#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <future>
#include <latch>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "braid/base/detail/sanitizer.hpp"
#include "braid/fs/whole_file.hpp"
#include "braid/loop/blocking_wait.hpp"
#include "braid/loop/loop.hpp"
#include "braid/net/resolve.hpp"
#include "braid/schedule/offload.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/run.hpp"
#include "braid/style/start.hpp"
#include "catch.hpp"
#include "child_process.hpp"
#include "scratch_folder.hpp"

namespace {

using namespace braid;
using braid_tests::contains;

TEST_CASE("blocking_pool: jobs run on several threads, never on the loop's",
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

TEST_CASE("blocking_pool: a thousand jobs begin in the order in which they were submitted",
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

TEST_CASE("blocking_pool: a forked child has a pool of its own", "[loop][blocking_pool][threads]") {
  if (BRAID_TSAN != 0) return;  // ThreadSanitizer knows no threads of a forked child
  run(offload([] {}));  // starts threads in the parent; the child has none of them
  const auto ended = braid_tests::in_child([] { return run(offload([] { return 7; })); });
  INFO(ended.errors);
  CHECK(ended.exit_status() == 7);
}

// A job that runs until `let_go` is set.
struct held_job : braid::detail::blocking_job {
  held_job() : braid::detail::blocking_job(work) {}
  static void work(braid::detail::blocking_job& job) noexcept {
    auto& self = static_cast<held_job&>(job);
    self.begun.set_value();
    self.let_go.get_future().wait();
    self.ended.set_value();
  }
  std::promise<void> begun, let_go, ended;
};

TEST_CASE("blocking_pool: a job can be withdrawn only before a thread begins it",
          "[loop][blocking_pool][threads]") {
  braid::detail::blocking_pool& pool = braid::detail::blocking_pool::instance();
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
  third.ended.get_future().wait();  // the job behind the withdrawn one runs
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

TEST_CASE("blocking_pool: starts threads on demand and keeps idle ones", "[loop][blocking_pool][threads]") {
  if (BRAID_TSAN != 0) return;  // ThreadSanitizer knows no threads of a forked child
  const auto ended = braid_tests::in_child([] {
    const std::size_t without = threads_here();
    (void)braid::detail::blocking_pool::instance();
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

// Runs f four times at once, as often as the pool allows, and begins all before any of them waits.
template <class F>
void on_every_thread(F f) {
  loop home;
  std::latch all_begun(4);
  int ended = 0;
  for (int n = 0; n < 4; ++n)
    start(offload([&] {
            all_begun.arrive_and_wait();
            f();
          }),
          [&](result<void> how) {
            how.value();
            ++ended;
          });
  home.run();
  CHECK(ended == 4);
}

TEST_CASE("blocking_pool: a thread that runs a loop is replaced meanwhile",
          "[loop][blocking_pool][threads]") {
  const braid_tests::scratch_folder folder;
  run(write_file((folder / "file").string(), std::string("text")));
  const std::string path = (folder / "file").string();
  SECTION("for a file") {
    on_every_thread([&] {
      if (run(read_file(path)) != "text") throw std::runtime_error("read otherwise");
    });
  }
  SECTION("for a look-up") {
    on_every_thread([] { run(resolve("127.0.0.1", "80")); });
  }
  SECTION("for a function that it offloads itself") {
    on_every_thread([] { run(offload([] { run(offload([] { run(offload([] {})); })); })); });
  }
  SECTION("that it keeps") {
    on_every_thread([] {
      loop own;
      for (int n = 0; n < 3; ++n) start(offload([] {}), [](result<void> how) { how.value(); });
      own.run();
    });
  }
  SECTION("and more functions offload than there may be threads") {
    loop home;
    int ended = 0;
    for (int n = 0; n < 400; ++n)
      start(offload([&] { return run(read_file(path)); }),
            [&](result<std::string> how) { ended += how.value() == "text"; });
    home.run();
    CHECK(ended == 400);
  }
}

TEST_CASE("blocking_pool: a thread that waits for a future is replaced meanwhile",
          "[loop][blocking_pool][threads]") {
  loop home;
  std::latch all_begun(4);
  std::array<promise<int>, 4> promises;
  int sum = 0;
  for (promise<int>& each : promises)
    start(offload([&all_begun, wanted = each.get_future()]() mutable {
            all_begun.arrive_and_wait();
            return std::move(wanted).get();
          }),
          [&](result<int> how) { sum += how.value(); });
  start(offload([&] {
          for (promise<int>& each : promises) each.set_value(7);
        }),
        [](result<void> how) { how.value(); });
  home.run();
  CHECK(sum == 28);
}

TEST_CASE("blocking_wait: marks a waiting thread of the pool, which is replaced meanwhile",
          "[loop][blocking_pool][threads]") {
  loop home;
  std::latch all_begun(4);
  std::promise<void> let_go;
  const std::shared_future<void> gone = let_go.get_future();
  for (int n = 0; n < 4; ++n)
    start(offload([&] {
            all_begun.arrive_and_wait();
            const blocking_wait here("test"), once_more("test");
            gone.wait();
          }),
          [](result<void> how) { how.value(); });
  start(offload([&] { let_go.set_value(); }), [](result<void> how) { how.value(); });
  home.run();
  const blocking_wait nothing("test");  // outside the pool
}

TEST_CASE("blocking_pool: endlessly nested offloads are an error, not a hang",
          "[loop][blocking_pool][threads]") {
  std::atomic<int> depth{0};
  std::function<void()> deeper = [&] {
    ++depth;
    run(offload([&] { deeper(); }));
  };
  const result<void> ended = run(as_result(offload([&] { deeper(); })));
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == std::errc::resource_unavailable_try_again);
  CHECK_THAT(ended.error().message(), contains("no thread of the blocking pool is left"));
  CHECK(depth > 100);
  CHECK(run(offload([] { return 7; })) == 7);  // the pool has all its threads back
}

TEST_CASE("blocking_pool: a thread with a long job is replaced meanwhile", "[loop][blocking_pool][threads]") {
  struct lasting_job : held_job {
    lasting_job() { may_take_long(); }
  };
  braid::detail::blocking_pool& pool = braid::detail::blocking_pool::instance();
  std::array<lasting_job, 9> busy;
  for (lasting_job& each : busy) pool.submit(each);
  for (lasting_job& each : busy) each.begun.get_future().wait();
  CHECK(run(offload([] { return 7; })) == 7);
  for (lasting_job& each : busy) each.let_go.set_value();
  for (lasting_job& each : busy) each.ended.get_future().wait();
}

// A job that records what hold and let_go returned.
struct asking_job final : braid::detail::blocking_job {
  asking_job() : braid::detail::blocking_job(work) { may_take_long(); }
  static void work(braid::detail::blocking_job& job) noexcept {
    auto& self = static_cast<asking_job&>(job);
    self.begun.set_value();
    self.ask.get_future().wait();
    self.held = braid::detail::blocking_pool::hold();
    self.has_asked.set_value();
    self.go_on.get_future().wait();
    self.let_go = braid::detail::blocking_pool::let_go();
    self.is_wanted = braid::detail::blocking_pool::end();
    self.ended.set_value();
  }
  std::promise<void> begun, ask, has_asked, go_on, ended;
  bool held = false, let_go = false, is_wanted = false;
};

TEST_CASE("blocking_pool: a job can be abandoned while it holds nothing", "[loop][blocking_pool][threads]") {
  braid::detail::blocking_pool& pool = braid::detail::blocking_pool::instance();
  asking_job job;
  const bool early = GENERATE(true, false);
  CHECK_FALSE(braid::detail::blocking_pool::abandon(job));  // no thread runs it
  pool.submit(job);
  job.begun.get_future().wait();
  if (early) CHECK(braid::detail::blocking_pool::abandon(job));
  job.ask.set_value();
  job.has_asked.get_future().wait();
  if (!early) CHECK_FALSE(braid::detail::blocking_pool::abandon(job));
  job.go_on.set_value();
  job.ended.get_future().wait();
  CHECK(job.held == !early);
  CHECK_FALSE(job.let_go);  // abandon was called before
  CHECK(job.is_wanted == !early);
}

TEST_CASE("blocking_pool: its threads block all signals but those of a fault",
          "[loop][blocking_pool][threads]") {
  std::array<sigset_t, 2> masks;
  run(offload([&] {
    ::pthread_sigmask(SIG_SETMASK, nullptr, &masks[0]);
    run(offload(
        [&] { ::pthread_sigmask(SIG_SETMASK, nullptr, &masks[1]); }));  // on a thread that this one made
  }));
  for (const sigset_t& mask : masks) {
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGALRM, SIGUSR1, SIGCHLD, SIGPIPE, SIGRTMIN, SIGRTMAX})
      CHECK(::sigismember(&mask, signal) == 1);
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT})
      CHECK(::sigismember(&mask, signal) == 0);
  }
  sigset_t here;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &here);
  CHECK(::sigismember(&here, SIGTERM) == 0);  // as before
}

TEST_CASE("blocking_pool: a program can exit in every state of the pool", "[loop][blocking_pool][threads]") {
  const braid_tests::scratch_folder folder;
  run(write_file((folder / "file").string(), std::string("text")));
  const auto ended = [&](const char* how) {
    return braid_tests::run_program(braid_tests::crash_program("exit_with_pool"),
                                    {how, (folder / "file").string()});
  };
  // A job that never ends; a job in a job; a static destructor that uses the pool; a static loop that ends
  // then; a job that forks a child; a signal that only main accepts.
  for (const char* how : {"busy", "queued", "inside", "static", "static_loop", "fork", "signalfd"}) {
    const auto end = ended(how);
    INFO(how << ": " << end.output << end.errors);
    CHECK(end.exit_status() == 7);
    CHECK(end.signal() == 0);
    CHECK(end.errors == "");
  }
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
