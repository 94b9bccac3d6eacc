#include "braid/schedule/offload.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>

#include "allocations.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/net/resolve.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"
#include "busy_pool.hpp"
#include "catch.hpp"
#include "every_style.hpp"
#include "recorder.hpp"

namespace {

using namespace braid;
using braid_tests::recorded;

TEST_CASE("offload: runs on another thread and completes on the loop's", "[schedule][offload][threads]") {
  loop home;
  std::thread::id ran_on, finished_on;
  int got = 0;
  start(offload([&] {
          ran_on = std::this_thread::get_id();
          return 7;
        }),
        [&](result<int> ended) {
          finished_on = std::this_thread::get_id();
          got = *ended;
        });
  home.run();  // waits for the function, although no other work is left
  CHECK(got == 7);
  CHECK(ran_on != std::this_thread::get_id());
  CHECK(finished_on == std::this_thread::get_id());
}

TEST_CASE("offload: gives void, a reference and a move-only value", "[schedule][offload][threads]") {
  loop home;
  int n = 0;
  home.run(offload([&] { ++n; }));
  CHECK(n == 1);
  CHECK(&home.run(offload([&]() -> int& { return n; })) == &n);
  auto made = home.run(offload([p = std::make_unique<int>(4)]() mutable { return std::move(p); }));
  static_assert(std::is_same_v<decltype(made), std::unique_ptr<int>>);
  CHECK(*made == 4);
}

TEST_CASE("offload: keeps its arguments and moves them to the function", "[schedule][offload][threads]") {
  IN_EVERY_STYLE(style);
  std::string text = "a text that is too long for the small buffer of a string";
  const auto size_of = [](const std::string& of) { return of.size(); };
  CHECK(style.wait(offload(size_of, text)).value() == text.size());
  auto made = style.wait(offload(
      [](std::unique_ptr<int> owned, const char* name) {
        *owned += name[0] == 'a';
        return owned;
      },
      std::make_unique<int>(4), "a"));
  CHECK(**made == 5);
  int n = 1;
  CHECK(style.wait(offload([](int& by, int more) { by += more; }, std::ref(n), 2)));
  CHECK(n == 3);
  CHECK(style.wait(offload(&std::string::size, text)).value() == text.size());
  CHECK(
      style.wait(offload([](std::string&& taken) { return std::string(std::move(taken)); }, text)).value() ==
      text);
}

// With g++ 12 a closure that captures `text` would be destroyed twice here.
TEST_CASE("offload: arguments are destroyed once in a coroutine", "[schedule][offload][threads]") {
  loop home;
  auto owned = std::make_shared<int>(5);
  const auto read = [](const std::shared_ptr<int>& from, const std::string& text) {
    return *from + static_cast<int>(text.size());
  };
  const auto awaits = [&](std::shared_ptr<int> held) -> task<int> {
    const int first = co_await offload(read, held, std::string(100, 'x'));
    co_return first + co_await offload(read, std::move(held), "abc");
  };
  CHECK(home.run(awaits(owned)) == 113);
  CHECK(owned.use_count() == 1);
}

TEST_CASE("offload: the arguments of a function that did not begin are destroyed with the operation",
          "[schedule][offload]") {
  loop home;
  const auto owned = std::make_shared<int>(5);
  stop_source source;
  source.request_stop();
  {
    recorded op(offload([](const std::shared_ptr<int>& from) { return *from; }, owned), source.get_token());
    op.start();
    home.run();
    CHECK(op.result().error() == std::errc::operation_canceled);
  }
  CHECK(owned.use_count() == 1);
}

TEST_CASE("offload: an exception of the function is its error", "[schedule][offload][threads]") {
  loop home;
  CHECK_THROWS_AS(home.run(offload([]() -> int { throw std::out_of_range("seven"); })), std::out_of_range);
  CHECK_THROWS_AS(home.run(offload([] { throw 7; })), int);
}

TEST_CASE("offload: a function cancelled before its start does not run", "[schedule][offload]") {
  loop home;
  stop_source source;
  source.request_stop();
  std::atomic<int> ran{0};
  recorded op(offload([&] { ++ran; }), source.get_token());
  op.start();
  home.run();
  REQUIRE(op.heard.times == 1);
  CHECK(op.result().error() == std::errc::operation_canceled);
  CHECK(op.result().error().call() == "offload");
  CHECK(ran == 0);
}

TEST_CASE("offload: cancelled while it waits for a thread, it ends at once and the function does not run",
          "[schedule][offload][threads]") {
  loop home;
  stop_source source;
  std::atomic<int> ran{0};
  recorded op(offload([&] { ++ran; }), source.get_token());
  {
    const braid_tests::busy_pool busy;
    op.start();
    SECTION("by its loop's thread") {
      source.request_stop();
      CHECK_FALSE(op.done());  // never within start
      home.run();
    }
    SECTION("by another thread") {
      std::thread([&] { source.request_stop(); }).join();
      home.run();
    }
    REQUIRE(op.heard.times == 1);  // although every thread is busy
    CHECK(op.result().error() == std::errc::operation_canceled);
    CHECK(op.result().error().call() == "offload");
  }
  home.run(offload([] {}));
  CHECK(ran == 0);
}

TEST_CASE("offload: can time out while it waits for a thread", "[schedule][offload][threads]") {
  IN_EVERY_STYLE(style);
  const braid_tests::busy_pool busy;
  CHECK(style.wait(with_timeout(offload([] {}), std::chrono::milliseconds(1))).error() ==
        std::errc::timed_out);
  CHECK(style.wait(with_timeout(resolve("localhost", "80"), std::chrono::milliseconds(1))).error() ==
        std::errc::timed_out);
}

TEST_CASE("offload: the loop's end withdraws functions that have not begun", "[schedule][offload][threads]") {
  const braid_tests::busy_pool busy;
  std::optional<result<void>> ended;
  bool ran = false;
  {
    loop home;
    start(offload([&] { ran = true; }), [&](result<void> how) { ended.emplace(std::move(how)); });
  }
  REQUIRE(ended);
  CHECK(ended->error() == std::errc::operation_canceled);
  CHECK_FALSE(ran);
}

TEST_CASE("offload: each function ends once when stop requests race with threads",
          "[schedule][offload][threads]") {
  loop home;
  int cancelled = 0, completed = 0;
  std::atomic<int> ran{0};
  for (int round = 0; round < 300; ++round) {
    stop_source source;
    recorded op(offload([&] { ++ran; }), source.get_token());
    op.start();
    std::thread other([&] { source.request_stop(); });
    home.run();
    other.join();
    home.run();
    REQUIRE(op.heard.times == 1);
    ++(op.result() ? completed : cancelled);
  }
  CHECK(completed == ran);
  CHECK(completed + cancelled == 300);
}

TEST_CASE("offload: takes captures and results of any alignment", "[schedule][offload][threads]") {
  struct alignas(64) line {
    std::array<char, 64> bytes{};
    [[nodiscard]] bool is_aligned() const { return reinterpret_cast<std::uintptr_t>(this) % 64 == 0; }
  };
  loop home;
  const line made = home.run(offload([held = line{}] {
    if (!held.is_aligned()) throw std::logic_error("a capture is misaligned");
    return line{};
  }));
  CHECK(made.is_aligned());
}

TEST_CASE("offload: cancelled while it runs, it waits for the function's end",
          "[schedule][offload][threads]") {
  loop home;
  stop_source source;
  std::atomic<bool> begun{false}, may_end{false};
  recorded op(offload([&] {
                begun = true;
                begun.notify_one();
                may_end.wait(false);
                return 7;
              }),
              source.get_token());
  op.start();
  begun.wait(false);
  source.request_stop();
  for (int n = 0; n < 5; ++n) home.turn(false);
  CHECK_FALSE(op.done());
  may_end = true;
  may_end.notify_one();
  home.run();
  CHECK(op.heard.times == 1);
  CHECK(*op.result() == 7);
}

TEST_CASE("offload: keeps the function's captures until the operation is destroyed",
          "[schedule][offload][threads]") {
  const auto owned = std::make_shared<int>(5);
  loop home;
  CHECK(home.run(offload([owned] { return *owned; })) == 5);
  CHECK(owned.use_count() == 1);
}

TEST_CASE("offload: allocates nothing once the pool's threads run", "[schedule][offload][threads]") {
  if (!braid_tests::counts_allocations) return;
  loop home;
  const auto some = [&]() -> task<int> {
    int sum = 0;
    for (int n = 0; n < 100; ++n) sum += co_await offload([n] { return n; });
    co_return sum;
  };
  // Four at once make the pool start all its threads.
  std::atomic<int> here{0};
  for (int n = 0; n < 4; ++n)
    start(offload([&] {
            ++here;
            while (here < 4) std::this_thread::yield();
          }),
          [](result<void>) {});
  home.run();
  home.run(some());
  const braid_tests::allocation_count count;
  const int sum = home.run(some());
  const std::size_t made = count.made();
  CHECK(made == 0);
  CHECK(sum == 4950);
}

}  // namespace
