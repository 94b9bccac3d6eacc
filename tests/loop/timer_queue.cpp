#include "braid/loop/detail/timer_queue.hpp"

#include <chrono>
#include <cstdint>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "catch.hpp"

namespace {

using namespace braid;
using instant = loop_clock::time_point;

struct timer : braid::timer_base {
  timer() : braid::timer_base(on_finish) {}
  static void on_finish(operation_base&, completion) noexcept {}
};

instant at(std::int64_t n) { return instant(std::chrono::nanoseconds(n)); }

static_assert(sizeof(braid::timer_base) == 48);

TEST_CASE("timer_queue: the nearest deadline comes first", "[loop][timer_queue]") {
  braid::detail::timer_queue queue;
  timer a, b, c;
  CHECK(queue.empty());
  queue.add(a, at(30));
  queue.add(b, at(10));
  queue.add(c, at(20));
  CHECK(a.in_flight());
  CHECK(queue.nearest() == at(10));
  CHECK(b.deadline() == at(10));
  CHECK(&queue.pop() == &b);
  CHECK_FALSE(b.in_flight());
  CHECK(&queue.pop() == &c);
  CHECK(&queue.pop() == &a);
  CHECK(queue.empty());
}

TEST_CASE("timer_queue: equal deadlines keep the order in which they were added", "[loop][timer_queue]") {
  braid::detail::timer_queue queue;
  std::vector<timer> timers(100);
  for (timer& each : timers) queue.add(each, at(5));
  bool in_order = true;
  for (timer& each : timers) in_order = in_order && &queue.pop() == &each;
  CHECK(in_order);
}

TEST_CASE("timer_queue: takes the first and the last instant as deadlines", "[loop][timer_queue]") {
  braid::detail::timer_queue queue;
  timer never, always, now;
  queue.add(never, instant::max());
  queue.add(now, at(0));
  queue.add(always, instant::min());
  CHECK(&queue.pop() == &always);
  CHECK(&queue.pop() == &now);
  CHECK(&queue.pop() == &never);
}

TEST_CASE("timer_queue: a removed timer can be added again", "[loop][timer_queue]") {
  braid::detail::timer_queue queue;
  timer a, b;
  queue.add(a, at(1));
  queue.add(b, at(2));
  queue.remove(a);
  CHECK_FALSE(a.in_flight());
  CHECK(queue.nearest() == at(2));
  queue.add(a, at(3));
  CHECK(&queue.pop() == &b);
  CHECK(&queue.pop() == &a);
}

// The model is a set of (deadline, age). The queue must agree with it after every step.
TEST_CASE("timer_queue: agrees with a sorted set under random calls", "[loop][timer_queue]") {
  const unsigned seed = GENERATE(1U, 2U, 3U, 4U, 5U, 6U, 7U, 8U);
  std::mt19937_64 random(seed);
  const auto draw = [&](std::uint64_t below) { return random() % below; };
  const std::uint64_t spread = seed % 2 == 0 ? 10 : 1'000'000;  // many equal deadlines, or hardly any

  struct aged : timer {
    std::uint64_t age = 0;
  };
  std::vector<aged> timers(200);
  std::vector<aged*> idle;
  for (aged& each : timers) idle.push_back(&each);
  std::set<std::pair<std::pair<instant, std::uint64_t>, aged*>> model;
  braid::detail::timer_queue queue;
  std::uint64_t ages = 0;
  bool agrees = true;

  for (int step = 0; step < 20'000 && agrees; ++step) {
    const auto what = draw(10);
    if (what < 5 && !idle.empty()) {
      const auto which = draw(idle.size());
      aged* added = idle[which];
      idle.erase(idle.begin() + static_cast<std::ptrdiff_t>(which));
      added->age = ages++;
      const instant deadline = at(static_cast<std::int64_t>(draw(spread)));
      queue.add(*added, deadline);
      model.insert({{deadline, added->age}, added});
    } else if (what < 8 && !model.empty()) {
      auto one = model.begin();
      std::advance(one, static_cast<std::ptrdiff_t>(draw(model.size())));
      queue.remove(*one->second);
      idle.push_back(one->second);
      model.erase(one);
    } else if (!model.empty()) {
      agrees = &queue.pop() == model.begin()->second;
      idle.push_back(model.begin()->second);
      model.erase(model.begin());
    }
    agrees = agrees && queue.empty() == model.empty();
    if (!model.empty()) agrees = agrees && queue.nearest() == model.begin()->first.first;
  }
  INFO("seed " << seed);
  CHECK(agrees);
  while (!queue.empty()) queue.pop();
}

TEST_CASE("timer_queue: a million timers in falling and in rising order take constant stack",
          "[loop][timer_queue]") {
  constexpr std::int64_t count = 1'000'000;
  const bool falls = GENERATE(true, false);
  std::vector<timer> timers(count);
  braid::detail::timer_queue queue;
  for (std::int64_t n = 0; n < count; ++n)
    queue.add(timers[static_cast<std::size_t>(n)], at(falls ? count - n : n));
  bool sorted = true;
  instant last = instant::min();
  for (std::int64_t n = 0; n < count; ++n) {
    const instant deadline = queue.pop().deadline();
    sorted = sorted && last <= deadline;
    last = deadline;
  }
  CHECK(sorted);
  CHECK(queue.empty());
}

}  // namespace
