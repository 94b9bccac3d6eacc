#include "braid/schedule/offload.hpp"

#include <atomic>
#include <memory>
#include <stdexcept>
#include <thread>
#include <type_traits>

#include "allocations.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "recorder.hpp"

namespace {

using namespace braid;
using braid_tests::recorded;

TEST_CASE("offload: runs elsewhere, completes here with the value", "[schedule][offload][threads]") {
  loop home;
  std::thread::id ran_on, told_on;
  int got = 0;
  start(offload([&] {
          ran_on = std::this_thread::get_id();
          return 7;
        }),
        [&](result<int> ended) {
          told_on = std::this_thread::get_id();
          got = *ended;
        });
  home.run();  // waits for it, though nothing else is left
  CHECK(got == 7);
  CHECK(ran_on != std::this_thread::get_id());
  CHECK(told_on == std::this_thread::get_id());
}

TEST_CASE("offload: nothing, a reference, and what can only be moved come back",
          "[schedule][offload][threads]") {
  loop home;
  int n = 0;
  home.run(offload([&] { ++n; }));
  CHECK(n == 1);
  CHECK(&home.run(offload([&]() -> int& { return n; })) == &n);
  auto made = home.run(offload([p = std::make_unique<int>(4)]() mutable { return std::move(p); }));
  static_assert(std::is_same_v<decltype(made), std::unique_ptr<int>>);
  CHECK(*made == 4);
}

TEST_CASE("offload: what it throws is thrown here", "[schedule][offload][threads]") {
  loop home;
  CHECK_THROWS_AS(home.run(offload([]() -> int { throw std::out_of_range("seven"); })), std::out_of_range);
  CHECK_THROWS_AS(home.run(offload([] { throw 7; })), int);
}

TEST_CASE("offload: cancelled before it begins it does not run", "[schedule][offload]") {
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

TEST_CASE("offload: cancelled while it runs its end is waited for", "[schedule][offload][threads]") {
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

TEST_CASE("offload: the function's captures live until the operation is gone",
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
  // Four at once, so that every thread the pool will have is there.
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
