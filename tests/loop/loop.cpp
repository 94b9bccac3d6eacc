#include "braid/loop/loop.hpp"

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "braid/core/just.hpp"
#include "braid/fs/file.hpp"
#include "braid/loop/nop.hpp"
#include "braid/schedule/offload.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/run.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "child_process.hpp"
#include "descriptors.hpp"
#include "recorder.hpp"

namespace {

using namespace braid;
using namespace std::chrono_literals;
using braid_tests::contains;
using braid_tests::recorded;

template <class F>
std::string logic_error_of(F f) {
  try {
    f();
  } catch (const std::logic_error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

// ---- which loop ---------------------------------------------------------------------------------------

TEST_CASE("loop: is its thread's current loop while it exists", "[loop]") {
  CHECK(loop::current_or_null() == nullptr);
  {
    loop home;
    CHECK(loop::current_or_null() == &home);
    CHECK(&loop::current() == &home);
    loop* elsewhere = &home;
    std::thread([&] { elsewhere = loop::current_or_null(); }).join();
    CHECK(elsewhere == nullptr);
    CHECK_FALSE(home.running());
    CHECK_FALSE(home.ending());
    CHECK(home.in_flight() == 0);
    CHECK((home.reactor_name() == std::string("io_uring") || home.reactor_name() == std::string("epoll")));
  }
  CHECK(loop::current_or_null() == nullptr);
}

TEST_CASE("loop: a second loop on a thread is refused", "[loop]") {
  loop home;
  const std::size_t open = braid_tests::open_descriptors();
  CHECK_THAT(logic_error_of([] { loop second; }), contains("this thread has a loop already"));
  CHECK(loop::current_or_null() == &home);
  CHECK(braid_tests::open_descriptors() == open);
  CHECK(home.run(just(3)) == 3);
}

TEST_CASE("loop: current() without a loop is an error that names the call", "[loop]") {
  CHECK_THAT(logic_error_of([] { (void)loop::current(); }),
             contains("loop::current: this thread has no loop"));
  CHECK_THAT(logic_error_of([] { (void)loop::current("frobnicate"); }), contains("frobnicate: "));
}

template <class S>
std::string started_without_loop(S op) {
  recorded started(std::move(op));
  started.start();
  if (!started.done()) return "did not finish";
  return started.result() ? "ended well" : logic_error_of([&] { started.result().error().rethrow(); });
}

TEST_CASE("loop: an operation on a thread without a loop fails and names the call", "[loop]") {
  char room[8];
  file some = file::from_descriptor(0);
  CHECK_THAT(started_without_loop(nop()), contains("nop: this thread has no loop"));
  CHECK_THAT(started_without_loop(some.read_some(room)), contains("read_some: this thread has no loop"));
  CHECK_THAT(started_without_loop(open_file("/dev/null")), contains("open_file: this thread has no loop"));
  CHECK_THAT(started_without_loop(sleep_for(1s)), contains("sleep: this thread has no loop"));
  CHECK_THAT(started_without_loop(yield()), contains("yield: this thread has no loop"));
  CHECK_THAT(started_without_loop(offload([] {})), contains("offload: this thread has no loop"));
  CHECK_THAT(logic_error_of([] { start(nop(), [](result<void>) {}); }),
             contains("start: this thread has no loop"));
  CHECK_THAT(logic_error_of([] { detach(nop()); }), contains("detach: this thread has no loop"));
  (void)some.release();
}

TEST_CASE("loop: running a loop within itself is refused and names the call", "[loop]") {
  loop home;
  std::string inner_run, inner_op, inner_verb;
  home.post([&] {
    CHECK(home.running());
    inner_run = logic_error_of([&] { home.run(); });
    inner_op = logic_error_of([&] { home.run(just(1)); });
    inner_verb = logic_error_of([&] { run(just(1)); });
  });
  home.run();
  CHECK_THAT(inner_run, contains("loop::run: the loop of this thread is running"));
  CHECK_THAT(inner_op, contains("run: the loop of this thread is running"));
  CHECK_THAT(inner_verb, contains("run: the loop of this thread is running"));
  CHECK_FALSE(home.running());
  CHECK(home.run(just(1)) == 1);
}

TEST_CASE("loop: running another thread's loop is refused", "[loop][threads]") {
  loop home;
  std::string whole, one;
  std::thread([&] {
    whole = logic_error_of([&] { home.run(); });
    one = logic_error_of([&] { home.run(just(1)); });
  }).join();
  CHECK_THAT(whole, contains("loop::run: this loop belongs to another thread"));
  CHECK_THAT(one, contains("run: this loop belongs to another thread"));
}

// ---- options and environment --------------------------------------------------------------------------

TEST_CASE("loop: an impossible number of entries is a clear error", "[loop]") {
  const unsigned entries = GENERATE(0U, 32769U, ~0U);
  const std::size_t open = braid_tests::open_descriptors();
  try {
    loop home({.entries = entries});
    FAIL("a ring of " << entries);
  } catch (const std::system_error& e) {
    CHECK(e.code() == std::errc::invalid_argument);
    CHECK_THAT(e.what(), contains("from 1 to 32768"));
  }
  CHECK(loop::current_or_null() == nullptr);
  CHECK(braid_tests::open_descriptors() == open);
}

TEST_CASE("loop: works with the smallest and with the largest ring", "[loop]") {
  const unsigned entries = GENERATE(1U, 2U, 3U, 32768U);
  loop home({.entries = entries});
  CHECK(home.options().entries == entries);
  int ended = 0;
  for (int n = 0; n < 100; ++n) start(nop(), [&](result<void> r) { ended += r.has_value(); });
  home.run();
  CHECK(ended == 100);
}

TEST_CASE("loop: BRAID_BACKEND chooses the backend; an unknown word is refused", "[loop]") {
  const auto with = [](const char* word) {
    return braid_tests::in_child([word] {
      ::setenv("BRAID_BACKEND", word, 1);
      loop home;
      std::puts(home.reactor_name());
    });
  };
  CHECK(with("uring").output == "io_uring\n");
  CHECK(with("epoll").output == "epoll\n");
  CHECK(with("auto").exit_status() == 0);
  for (const char* word : {"", "URING", "io_uring", "EPOLL", "kqueue", "epoll "}) {
    const auto refused = with(word);
    CHECK(refused.exit_status() == braid_tests::threw);
    CHECK_THAT(refused.errors, contains(std::string("BRAID_BACKEND is '") + word + "'"));
    CHECK_THAT(refused.errors, contains("it takes uring, epoll or auto"));
  }
}

TEST_CASE("loop: BRAID_BACKEND does not overrule a backend that the program names", "[loop]") {
  const auto made = [](backend named, const char* word) {
    return braid_tests::in_child([=] {
      ::setenv("BRAID_BACKEND", word, 1);
      loop home({.backend = named});
      std::puts(home.reactor_name());
    });
  };
  for (const char* word : {"garbage", "uring", "epoll"}) {
    CHECK(made(backend::uring, word).output == "io_uring\n");
    CHECK(made(backend::epoll, word).output == "epoll\n");
  }
}

// ---- running ------------------------------------------------------------------------------------------

TEST_CASE("loop: run() returns at once if there is no work", "[loop]") {
  loop home;
  home.run();
  home.run();
  CHECK(home.in_flight() == 0);
}

TEST_CASE("loop: run() goes on until all work is done, also work that began meanwhile", "[loop]") {
  loop home;
  std::vector<std::string> done;
  home.post([&] {
    done.push_back("post");
    start(sleep_for(1us), [&](result<void>) {
      done.push_back("sleep");
      start(nop(), [&](result<void>) {
        done.push_back("nop");
        start(offload([] {}), [&](result<void>) { done.push_back("offload"); });
      });
    });
  });
  home.run();
  CHECK(done == std::vector<std::string>{"post", "sleep", "nop", "offload"});
}

TEST_CASE("loop: run(op) gives op's value or throws its error, and leaves other work alone", "[loop]") {
  bool late = false;  // outlives the loop, whose end calls the handler
  loop home;
  start(sleep_for(1h), [&](result<void>) { late = true; });
  CHECK(home.run(just(std::make_unique<int>(3))) != nullptr);
  CHECK_THROWS_AS(home.run(just_error<int>(std::errc::timed_out)), std::system_error);
  CHECK_THROWS_AS(home.run(just_from([]() -> int { throw std::out_of_range("seven"); })), std::out_of_range);
  int n = 0;
  static_assert(std::is_same_v<decltype(home.run(just_from([&]() -> int& { return n; }))), int&>);
  CHECK(&home.run(just_from([&]() -> int& { return n; })) == &n);
  home.run(just());
  CHECK_FALSE(late);
}

TEST_CASE("loop: run(f) keeps a capturing function until its task has ended", "[loop]") {
  loop home;
  const auto owned = std::make_shared<int>(5);
  const int got = home.run([owned]() -> task<int> {
    co_await yield();
    co_return *owned;
  });
  CHECK(got == 5);
  CHECK(owned.use_count() == 1);
}

// ---- posts --------------------------------------------------------------------------------------------

TEST_CASE("loop: posts run in order on the loop's thread, never within post", "[loop]") {
  loop home;
  std::vector<int> order;
  for (int n = 0; n < 5; ++n) home.post([&, n] { order.push_back(n); });
  CHECK(order.empty());
  home.run();
  CHECK(order == std::vector{0, 1, 2, 3, 4});
}

TEST_CASE("loop: a post may be move-only and is destroyed once it has run", "[loop]") {
  loop home;
  const auto owned = std::make_shared<int>(5);
  int seen = 0;
  home.post([p = std::make_unique<std::shared_ptr<int>>(owned), &seen] { seen = **p; });
  CHECK(owned.use_count() == 2);
  home.run();
  CHECK(seen == 5);
  CHECK(owned.use_count() == 1);
}

TEST_CASE("loop: a million posts from its own thread run in order", "[loop]") {
  loop home;
  int next = 0;
  bool in_order = true;
  for (int n = 0; n < 1'000'000; ++n) home.post([&, n] { in_order = in_order && n == next++; });
  home.run();
  CHECK(in_order);
  CHECK(next == 1'000'000);
}

TEST_CASE("loop: a million posts run, each posted by the one before", "[loop]") {
  loop home;
  struct step {
    loop* home;
    int* left;
    void operator()() const {
      if (--*left > 0) home->post(*this);
    }
  };
  int left = 1'000'000;
  home.post(step{&home, &left});
  home.run();
  CHECK(left == 0);
}

TEST_CASE("loop: a million posts from four threads run, each thread's in order", "[loop][threads]") {
  constexpr int senders = 4, each_sends = 250'000;
  loop home;
  promise<void> all;
  std::vector<int> next(senders, 0);
  int run = 0;
  bool in_order = true;
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < senders; ++t)
    threads.emplace_back([&, t] {
      for (int n = 0; n < each_sends; ++n)
        home.post([&, t, n] {
          in_order = in_order && n == next[t]++;
          if (++run == senders * each_sends) all.set_value();
        });
    });
  home.run(all.get_future());
  for (std::thread& each : threads) each.join();
  CHECK(in_order);
  CHECK(run == senders * each_sends);
}

TEST_CASE("loop: a post from another thread wakes a sleeping loop", "[loop][threads]") {
  constexpr int rounds = 2000;
  loop home;
  promise<void> last;
  std::atomic<int> heard{0};
  // Each post waits until the one before has run: by then the loop sleeps, or is about to.
  std::thread other([&] {
    for (int n = 1; n <= rounds; ++n) {
      home.post([&, n] {
        heard = n;
        heard.notify_one();
        if (n == rounds) last.set_value();
      });
      heard.wait(n - 1);
    }
  });
  const std::size_t calls = home.system_calls();
  home.run(last.get_future());
  other.join();
  CHECK(heard == rounds);
  CHECK(home.system_calls() - calls <= 4 * rounds);  // the loop slept in between
}

// ---- unhandled errors ---------------------------------------------------------------------------------

task<> fails_inside() {
  co_await yield();
  throw std::out_of_range("seven");
}
task<> fails() { co_await fails_inside(); }

TEST_CASE("loop: an unhandled error goes to the handler once, with its stack", "[loop]") {
  loop home;
  std::vector<std::string> heard;
  std::size_t depth = 0;
  home.on_unhandled_error([&](const error& failure) {
    heard.push_back(failure.message());
    depth = failure.stack().size();
  });
  detach(fails());
  home.run();
  CHECK(heard == std::vector<std::string>{"seven"});
  CHECK(depth >= 2);
  home.post([] { throw std::runtime_error("from a post"); });
  start(nop(), [](result<void>) { throw std::runtime_error("from a handler"); });
  home.run();
  CHECK(heard == std::vector<std::string>{"seven", "from a post", "from a handler"});
}

TEST_CASE("loop: a requested cancellation is no unhandled error", "[loop]") {
  loop home;
  int heard = 0;
  home.on_unhandled_error([&](const error&) { ++heard; });
  error requested = std::errc::operation_canceled;
  requested.set_requested(true);
  detach(just_error<int>(requested));
  home.run();
  CHECK(heard == 0);
  detach(just_error<int>(std::errc::timed_out));
  home.run();
  CHECK(heard == 1);
  detach(just_error<int>(std::errc::operation_canceled));  // no stop was requested
  home.run();
  CHECK(heard == 2);
}

}  // namespace

TEST_CASE("loop: operations_per_turn of 0 is refused", "[loop]") {
  CHECK_THROWS_AS(loop({.operations_per_turn = 0}), std::invalid_argument);
  CHECK(loop::current_or_null() == nullptr);
}
