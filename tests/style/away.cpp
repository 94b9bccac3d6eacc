#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "braid/combine/buffered.hpp"
#include "braid/combine/for_each_concurrent.hpp"
#include "braid/combine/merge.hpp"
#include "braid/combine/scope.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/when_any.hpp"
#include "braid/core/async_stack.hpp"
#include "braid/schedule/resume_on.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/async_generator.hpp"
#include "braid/style/current_async_stack.hpp"
#include "braid/style/run.hpp"
#include "braid/style/shared_task.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "loop_thread.hpp"
#include "sanitized.hpp"

// The asynchronous stack of an operation that is away on another loop's thread, while its waiter at home may
// be destroyed.

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

task<int> fails_on(loop& there) {
  co_await resume_on(there);
  throw std::runtime_error("away");
}

task<int> calls_what_fails_on(loop& there) { co_return co_await fails_on(there); }

task<int> awaits_shared(shared_task<int> shared) { co_return co_await shared; }

async_generator<int> fails_as_generator(loop& there) {
  co_yield 1;
  co_yield co_await fails_on(there);
}

async_generator<task<int>> operations(loop& there) { co_yield calls_what_fails_on(there); }

template <class Range>
task<int> drains(Range range) {
  int sum = 0;
  while (auto each = co_await range.next()) sum += *each;
  co_return sum;
}

// Does the stack have these functions, in this order?
bool goes_through(const error& failure, std::initializer_list<const char*> functions) {
  const std::string frames = format_stack(failure);
  std::size_t at = 0;
  for (const char* each : functions) {
    const std::string clang = std::string(each) + "(", gcc = std::string(each) + " (";
    const std::size_t found = std::min(frames.find(clang, at), frames.find(gcc, at));
    if (found == std::string::npos) return false;
    at = found;
  }
  return true;
}

// Random operations, which fail or succeed, at home or away.
class random_mix {
 public:
  random_mix(unsigned seed, std::array<loop*, 2> others) : random_(seed), others_(others) {}

  task<> begin_all(int operations) {
    for (int i = 0; i < operations; ++i) {
      co_await when_all(one(), one(), one(), one());
    }
  }
  [[nodiscard]] int failures() const noexcept { return failures_; }

 private:
  unsigned below(unsigned n) { return std::uniform_int_distribution<unsigned>(0, n - 1)(random_); }

  static task<int> works(loop* first, loop* second, unsigned pauses, bool fails) {
    if (first != nullptr) co_await resume_on(*first);
    for (unsigned i = 0; i < pauses; ++i) co_await yield();
    if (second != nullptr) co_await resume_on(*second);
    (void)co_await current_async_stack();
    if (fails) throw std::runtime_error("one of many");
    co_return 1;
  }
  task<int> child() {
    const auto loop_or_home = [&]() -> loop* {
      const unsigned which = below(3);
      return which == 2 ? nullptr : others_[which];
    };
    loop* const first = loop_or_home();
    loop* const second = loop_or_home();
    const unsigned pauses = below(3);
    return works(first, second, pauses, below(2) == 0);
  }
  static task<int> within(task<int> inner) { co_return co_await std::move(inner); }

  static async_generator<int> generates(std::vector<task<int>> from) {
    for (auto& each : from) co_yield co_await std::move(each);
  }
  static async_generator<task<int>> hands_out(std::vector<task<int>> from) {
    for (auto& each : from) co_yield std::move(each);
  }
  std::vector<task<int>> children(unsigned count) {
    std::vector<task<int>> made;
    for (; count > 0; --count) made.push_back(within(child()));
    return made;
  }

  task<int> shared() {
    const shared_task<int> all(within(child()));
    auto first = spawn(as_result(awaits_shared(all)));
    auto second = spawn(as_result(awaits_shared(all)));
    for (unsigned pauses = below(4); pauses > 0; --pauses) co_await yield();
    first.request_stop();
    for (unsigned pauses = below(4); pauses > 0; --pauses) co_await yield();
    if (below(2) == 0) second.request_stop();
    (void)co_await std::move(first);
    const auto ended = co_await std::move(second);
    if (!ended) ended.error().rethrow();
    co_return *ended;
  }
  task<int> scoped() {
    co_await with_scope([this](scope& all) {
      for (auto& each : children(3)) all.spawn(std::move(each));
    });
    co_return 0;
  }
  task<int> raced() {
    co_await when_any(within(child()), within(child()), sleep_for(0ns));
    co_return 0;
  }
  task<int> any_kind() {
    switch (below(5)) {
      case 0: return shared();
      case 1: return drains(buffered(hands_out(children(4)), 2));
      case 2: return drains(merge(generates(children(2)), generates(children(2))));
      case 3: return scoped();
      default: return raced();
    }
  }
  task<> one() {
    auto running = spawn(as_result(within(any_kind())));
    for (unsigned pauses = below(6); pauses > 0; --pauses) co_await yield();
    if (below(2) == 0) running.request_stop();
    const auto ended = co_await std::move(running);
    if (ended) co_return;
    ++failures_;
    (void)format_stack(ended.error());
  }

  std::mt19937 random_;
  const std::array<loop*, 2> others_;
  int failures_ = 0;
};

}  // namespace

TEST_CASE("away: an error delivered to the home loop has the whole stack, also beyond its waiter",
          "[style][threads]") {
  loop_thread other;
  loop home;
  const auto failure_of = [&](auto op) { return home.run(as_result(std::move(op))).error(); };
  SECTION("a shared task") {
    const shared_task<int> shared(calls_what_fails_on(other.there()));
    const error why = failure_of(awaits_shared(shared));
    INFO(format_stack(why));
    CHECK(goes_through(why, {"fails_on", "calls_what_fails_on", "awaits_shared"}));
    CHECK(why.stack_is_whole());
  }
  SECTION("buffered") {
    const error why = failure_of(drains(buffered(operations(other.there()), 2)));
    INFO(format_stack(why));
    CHECK(goes_through(why, {"fails_on", "calls_what_fails_on", "drains"}));
    CHECK(why.stack_is_whole());
  }
  SECTION("merge") {
    const error why = failure_of(drains(merge(fails_as_generator(other.there()))));
    INFO(format_stack(why));
    CHECK(goes_through(why, {"fails_on", "fails_as_generator", "drains"}));
    CHECK(why.stack_is_whole());
  }
  SECTION("a scope's child, and a join") {
    const error why = failure_of(with_scope([&](scope& all) -> task<int> {
      all.spawn(when_all(calls_what_fails_on(other.there())));
      return drains(fails_as_generator(other.there()));
    }));
    INFO(format_stack(why));
    CHECK(why.stack_is_whole());
  }
}

TEST_CASE("away: a stack taken on another thread ends where the home thread might change it",
          "[style][threads]") {
  loop_thread other;
  loop home;
  const auto asks = [](loop* there) -> task<async_stack> {
    if (there != nullptr) co_await resume_on(*there);
    co_return co_await current_async_stack();
  };
  const auto stack_on = [&](loop* there) -> async_stack {
    const shared_task<async_stack> shared(asks(there));  // owns what the await's reference refers to
    return home.run(shared);
  };
  CHECK(stack_on(nullptr).is_whole);
  CHECK_FALSE(stack_on(&other.there()).is_whole);
  CHECK(stack_on(&other.there()).frames.size() == 1);
}

TEST_CASE("away: operations may fail on other threads while their waiters leave", "[style][threads]") {
  constexpr int rounds = sanitized ? 100 : 300;
  loop_thread first, second;
  for (unsigned seed = 1; seed <= 3; ++seed) {
    loop home;
    random_mix mix(seed, {&first.there(), &second.there()});
    home.run(mix.begin_all(rounds));
    CHECK(mix.failures() > rounds);
  }
}
