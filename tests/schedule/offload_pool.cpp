#include "braid/schedule/offload_pool.hpp"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "braid/base/detail/sanitizer.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/when_all_settled.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/schedule/offload.hpp"
#include "braid/sim/virtual_time.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "child_process.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "recorder.hpp"

using namespace braid;
using namespace std::chrono_literals;
using braid_tests::recorded;

namespace {

// Held by a function and by the test, which may end before an abandoned function does.
struct gate {
  std::atomic<bool> begun{false}, may_end{false};
  void pass() {
    begun = true;
    begun.notify_all();
    may_end.wait(false);
  }
  void open() {
    may_end = true;
    may_end.notify_all();
  }
};
struct opener {
  std::shared_ptr<gate> at = std::make_shared<gate>();
  ~opener() { at->open(); }
};
int waits(const std::shared_ptr<gate>& at, int value) {
  at->pass();
  return value;
}
std::string own_name() {
  std::array<char, 16> name{};
  ::pthread_getname_np(::pthread_self(), name.data(), name.size());
  return name.data();
}

}  // namespace

TEST_CASE("offload_pool: runs functions on threads of its own", "[schedule][offload_pool][threads]") {
  IN_EVERY_STYLE(style);
  offload_pool pool({.name = "compress", .threads = 2});
  const auto adds = [](int a, std::unique_ptr<int> b) { return a + *b; };
  CHECK(style.wait(pool.run(adds, 3, std::make_unique<int>(4))).value() == 7);
  CHECK(style.wait(pool.run_abandonable(adds, 3, std::make_unique<int>(5))).value() == 8);
  const auto throws = [](const std::string& text) { throw std::out_of_range(text); };
  CHECK_THROWS_AS(style.wait(pool.run(throws, std::string("a"))).value(), std::out_of_range);
  CHECK(style.wait(pool.run(own_name)).value() == "compress");
  CHECK(style.wait(pool.run([](stop_token until) { return until.stop_possible(); })).value());
  const auto mask = style.wait(pool.run([] {
    sigset_t blocked;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    return ::sigismember(&blocked, SIGTERM) == 1 && ::sigismember(&blocked, SIGSEGV) == 0;
  }));
  CHECK(mask.value());
}

TEST_CASE("offload_pool: a name is cut to fifteen characters", "[schedule][offload_pool][threads]") {
  offload_pool pool({.name = "a-name-that-is-too-long"});
  CHECK(run(pool.run(own_name)) == "a-name-that-is-");
}

TEST_CASE("offload_pool: refuses a senseless number of threads", "[schedule][offload_pool]") {
  CHECK_THROWS_AS(offload_pool({.threads = 0}), std::invalid_argument);
  CHECK_THROWS_AS(offload_pool({.threads = 1025}), std::invalid_argument);
}

TEST_CASE("offload_pool: as many functions run at once as it has threads",
          "[schedule][offload_pool][threads]") {
  loop home;
  offload_pool pool({.threads = 3});
  std::atomic<int> inside{0}, most{0};
  int ended = 0;
  for (int n = 0; n < 200; ++n)
    start(pool.run([&] {
      const int now = ++inside;
      for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {}
      std::this_thread::yield();
      --inside;
    }),
          [&](result<void> how) { ended += how.has_value(); });
  home.run();
  CHECK(ended == 200);
  CHECK(most <= 3);
  CHECK(pool.metrics().threads <= 3);
  CHECK(pool.metrics().begun == 200);
  CHECK(pool.metrics().running == 0);
  CHECK(pool.metrics().queued == 0);
}

TEST_CASE("offload_pool: a full queue refuses, or lets wait", "[schedule][offload_pool][threads]") {
  const bool refuses = GENERATE(true, false);
  loop home;
  offload_pool pool({.name = "small",
                     .threads = 1,
                     .queue = 2,
                     .when_full = refuses ? full_queue::refuse : full_queue::wait});
  const opener held;
  recorded running(pool.run(waits, held.at, 0));
  running.start();
  held.at->begun.wait(false);
  std::vector<int> order;
  const auto notes = [&](int n) { order.push_back(n); };
  recorded first(pool.run(notes, 1)), second(pool.run(notes, 2)), third(pool.run(notes, 3));
  first.start();
  second.start();
  CHECK(pool.metrics().queued == 2);
  third.start();
  if (refuses) {
    REQUIRE(third.done());
    CHECK(third.result().error() == errc::queue_full);
    CHECK(third.result().error().message() == "offload_pool::run small: Queue full");
    CHECK(pool.metrics().refused == 1);
  } else {
    CHECK_FALSE(third.done());
    CHECK(pool.metrics().queued == 3);
  }
  held.at->open();
  home.run();
  CHECK(first.result());
  CHECK(second.result());
  CHECK(order == (refuses ? std::vector{1, 2} : std::vector{1, 2, 3}));
  CHECK(pool.metrics().total_queue_time >= pool.metrics().longest_queue_time);
  CHECK(pool.metrics().longest_queue_time > 0ns);
}

TEST_CASE("offload_pool: without a queue a function runs at once or is refused",
          "[schedule][offload_pool][threads]") {
  loop home;
  offload_pool pool({.threads = 2, .queue = 0});
  const opener held;
  recorded first(pool.run(waits, held.at, 1)), second(pool.run(waits, held.at, 2)),
      third(pool.run(waits, held.at, 3));
  first.start();
  second.start();
  third.start();
  REQUIRE(third.done());
  CHECK(third.result().error() == errc::queue_full);
  held.at->open();
  home.run();
  CHECK(*first.result() == 1);
  CHECK(*second.result() == 2);
}

TEST_CASE("offload_pool: a function that is cancelled in the queue leaves it and makes room",
          "[schedule][offload_pool][stop][threads]") {
  loop home;
  offload_pool pool({.threads = 1, .queue = 1});
  const opener held;
  recorded running(pool.run(waits, held.at, 0));
  running.start();
  held.at->begun.wait(false);
  stop_source source;
  std::atomic<int> ran{0};
  const auto counts = [&] { ++ran; };
  recorded queued(pool.run(counts), source.get_token());
  queued.start();
  SECTION("by its loop's thread") {
    source.request_stop();
    CHECK_FALSE(queued.done());
  }
  SECTION("by another thread") {
    std::thread([&] { source.request_stop(); }).join();
  }
  while (!queued.done()) home.turn(true);
  CHECK(queued.result().error() == std::errc::operation_canceled);
  recorded next(pool.run(counts));
  next.start();
  held.at->open();
  home.run();
  CHECK(next.result());
  CHECK(ran == 1);
}

TEST_CASE("offload_pool: an abandoned function keeps its thread", "[schedule][offload_pool][stop][threads]") {
  loop home;
  offload_pool pool({.threads = 1});
  const opener held;
  stop_source source;
  recorded op(pool.run_abandonable(waits, held.at, 7), source.get_token());
  op.start();
  held.at->begun.wait(false);
  source.request_stop();
  home.run();
  CHECK(op.result().error() == std::errc::operation_canceled);
  CHECK(pool.metrics().running == 1);
  CHECK(pool.metrics().abandoned == 1);
  CHECK(home.run(as_result(with_timeout(pool.run([] {}), 1ms))).error() == std::errc::timed_out);
  held.at->open();
  CHECK(home.run(pool.run([] { return 8; })) == 8);
  CHECK(pool.metrics().abandoned == 0);
}

TEST_CASE("offload_pool: its destructor ends queued functions as cancelled and waits for running ones",
          "[schedule][offload_pool][stop][threads]") {
  loop home;
  const opener held;
  std::atomic<int> ran{0};
  auto pool = std::make_unique<offload_pool>(offload_pool_options{.threads = 1});
  recorded running(pool->run(waits, held.at, 7));
  recorded queued(pool->run([&] { ++ran; }));
  const auto counts = [](const std::shared_ptr<int>& by) { ++*by; };
  const auto owned = std::make_shared<int>(3);
  {
    recorded abandonable(pool->run_abandonable(counts, owned));
    running.start();
    held.at->begun.wait(false);
    queued.start();
    abandonable.start();
    std::thread ends([&] { pool.reset(); });
    while (!queued.done() || !abandonable.done()) home.turn(true);
    CHECK_FALSE(running.done());
    CHECK(queued.result().error() == std::errc::operation_canceled);
    CHECK(queued.result().error().call() == "~offload_pool");
    CHECK(queued.result().error().is_requested_cancellation());
    CHECK(abandonable.result().error() == std::errc::operation_canceled);
    held.at->open();
    ends.join();
    home.run();
  }
  CHECK(*running.result() == 7);
  CHECK(ran == 0);
  CHECK(*owned == 3);
  CHECK(owned.use_count() == 1);
}

TEST_CASE("offload_pool: its destructor abandons a function that can be",
          "[schedule][offload_pool][stop][threads]") {
  loop home;
  const opener held;
  std::optional<offload_pool> pool(std::in_place);
  recorded op(pool->run_abandonable(waits, held.at, 7));
  op.start();
  held.at->begun.wait(false);
  pool.reset();
  home.run();
  REQUIRE(op.heard.times == 1);
  CHECK(op.result().error() == std::errc::operation_canceled);
}

TEST_CASE("offload_pool: one of its functions may destroy it", "[schedule][offload_pool][threads]") {
  loop home;
  auto pool = std::make_unique<offload_pool>();
  const bool abandonable = GENERATE(false, true);
  if (abandonable) {
    auto shared = std::make_shared<std::unique_ptr<offload_pool>>(std::move(pool));
    offload_pool& its = **shared;
    const auto ends = [](const std::shared_ptr<std::unique_ptr<offload_pool>>& one) { one->reset(); };
    CHECK(home.run(as_result(its.run_abandonable(ends, std::move(shared)))).error() ==
          std::errc::operation_canceled);
  } else {
    home.run(pool->run([&] { pool.reset(); }));
    CHECK(pool == nullptr);
  }
}

TEST_CASE("offload_pool: a function cannot wait for its own pool", "[schedule][offload_pool][threads]") {
  loop home;
  offload_pool pool({.threads = 1}), other({.threads = 1});
  const auto nested = [&] { return run(as_result(pool.run([] {}))).error().code(); };
  CHECK(home.run(pool.run(nested)) == std::errc::resource_deadlock_would_occur);
  CHECK(home.run(other.run([&] { return run(pool.run([] { return 7; })); })) == 7);
  CHECK(home.run(pool.run([] { return run(offload([] { return 8; })); })) == 8);
}

TEST_CASE("offload_pool: serves several loops", "[schedule][offload_pool][threads]") {
  offload_pool pool({.threads = 2});
  std::array<std::thread, 3> users;
  std::atomic<int> sum{0};
  for (std::thread& each : users)
    each = std::thread([&] {
      loop home;
      for (int n = 0; n < 100; ++n) sum += home.run(pool.run([n] { return n; }));
    });
  for (std::thread& each : users) each.join();
  CHECK(sum == 3 * 4950);
}

TEST_CASE("offload_pool: the loop's end withdraws, waits and abandons", "[schedule][offload_pool][threads]") {
  offload_pool pool({.threads = 2});
  const opener held, kept;
  std::optional<result<int>> running, abandoned, queued;
  std::thread opens;
  {
    loop home;
    start(pool.run(waits, held.at, 1), [&](result<int> how) { running.emplace(std::move(how)); });
    start(pool.run_abandonable(waits, kept.at, 2),
          [&](result<int> how) { abandoned.emplace(std::move(how)); });
    held.at->begun.wait(false);
    kept.at->begun.wait(false);
    start(pool.run([] { return 3; }), [&](result<int> how) {
      queued.emplace(std::move(how));
      held.at->open();  // so the loop's end has withdrawn it
    });
  }
  CHECK(running->value() == 1);
  CHECK(abandoned->error() == std::errc::operation_canceled);
  CHECK(queued->error() == std::errc::operation_canceled);
}

TEST_CASE("offload_pool: each function ends once when stop requests race with threads",
          "[schedule][offload_pool][stop][threads]") {
  loop home;
  offload_pool pool({.threads = 2});
  std::atomic<int> ran{0};
  int completed = 0;
  for (int round = 0; round < 300; ++round) {
    stop_source source;
    recorded op(pool.run([&] { ++ran; }), source.get_token());
    recorded left(pool.run_abandonable([](int n) { return n; }, round), source.get_token());
    op.start();
    left.start();
    std::thread other([&] { source.request_stop(); });
    home.run();
    other.join();
    home.run();
    REQUIRE(op.heard.times == 1);
    REQUIRE(left.heard.times == 1);
    completed += op.result().has_value();
  }
  CHECK(completed == ran);
}

TEST_CASE("offload_pool: a forked child has threads of its own", "[schedule][offload_pool][threads]") {
  if (BRAID_TSAN != 0) return;  // ThreadSanitizer knows no threads of a forked child
  offload_pool pool({.name = "forks", .threads = 1});
  const opener held;
  loop home;
  recorded running(pool.run(waits, held.at, 7));
  running.start();
  held.at->begun.wait(false);
  const auto used = braid_tests::in_child([&] { return run(pool.run([] { return 5; })); });
  INFO(used.errors);
  CHECK(used.exit_status() == 5);
  const auto unused = braid_tests::in_child([&] {
    pool.~offload_pool();  // does not wait for the parent's function
    ::_exit(6);
    return 0;
  });
  CHECK(unused.exit_status() == 6);
  held.at->open();
  home.run();
  CHECK(*running.result() == 7);
}

TEST_CASE("offload_pool: one of its functions may fork", "[schedule][offload_pool][threads]") {
  if (BRAID_TSAN != 0) return;
  offload_pool pool({.threads = 1});
  const auto forks = [&] {
    const pid_t child = ::fork();
    if (child == 0) {
      sigset_t mask;
      ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
      ::_exit(::sigismember(&mask, SIGTERM) == 0 && run(pool.run([] { return 3; })) == 3 ? 7 : 2);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WEXITSTATUS(status);
  };
  CHECK(run(pool.run(forks)) == 7);
}

TEST_CASE("offload_pool: a program can exit in every state of its pool",
          "[schedule][offload_pool][threads]") {
  // An abandonable function that never ends; one that runs while a static pool ends; exit from a function.
  for (const char* how : {"abandonable", "static", "inside", "local"}) {
    const auto end = braid_tests::run_program(braid_tests::crash_program("exit_with_offload_pool"), {how});
    INFO(how << ": " << end.output << end.errors);
    CHECK(end.exit_status() == 7);
    CHECK(end.signal() == 0);
    CHECK(end.errors == "");
  }
}

TEST_CASE("offload_pool: allocates nothing once its threads run", "[schedule][offload_pool][threads]") {
  if (!braid_tests::counts_allocations) return;
  loop home;
  offload_pool pool({.threads = 1});
  const auto some = [&]() -> task<int> {
    int sum = 0;
    for (int n = 0; n < 100; ++n) sum += co_await pool.run([n] { return n; });
    for (int n = 0; n < 100; ++n) sum += co_await pool.run_abandonable([](int given) { return given; }, n);
    co_return sum;
  };
  home.run(some());
  const braid_tests::allocation_count count;
  const int sum = home.run(some());
  const std::size_t made = count.made();
  CHECK(made == 0);
  CHECK(sum == 9900);
}

TEST_CASE("offload_pool: in a simulation functions run in turns, as many at once as it has threads",
          "[schedule][offload_pool]") {
  const sim::virtual_time clock;
  loop home;
  offload_pool pool({.threads = 2, .queue = 2});
  std::vector<int> order;
  const auto notes = [&](int n) {
    order.push_back(n);
    return n;
  };
  const auto ended = home.run(when_all_settled(pool.run(notes, 1), pool.run(notes, 2), pool.run(notes, 3),
                                               pool.run(notes, 4), pool.run(notes, 5)));
  CHECK(std::get<0>(ended).value() == 1);
  CHECK(std::get<3>(ended).value() == 4);
  CHECK(std::get<4>(ended).error() == errc::queue_full);
  CHECK(order.size() == 4);
  CHECK(pool.metrics().threads == 0);
  CHECK(pool.metrics().begun == 4);
  CHECK(pool.metrics().running == 0);
}

TEST_CASE("offload_pool: can be stopped at each suspension", "[schedule][offload_pool][stop]") {
  const sim::virtual_time clock;
  braid_tests::every_cancellation([]() -> task<> {
    offload_pool pool({.threads = 1, .queue = 2});
    const auto adds = [](const std::string& text, int n) { return static_cast<int>(text.size()) + n; };
    auto both = when_all(pool.run(adds, std::string(40, 'x'), 1),
                         pool.run_abandonable(adds, std::string("y"), 2), pool.run(adds, std::string(), 3));
    const auto [a, b, c] = co_await std::move(both);
    CHECK(a + b + c == 47);
    const int last = co_await pool.run_abandonable(adds, std::string(30, 'z'), a);
    CHECK(last == 71);
  });
}
