// Errors that can no longer reach a caller: delivery from another thread, chains on a scope's child, the end
// of a task, an element that is given back.

#include <atomic>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "braid/braid.hpp"
#include "catch.hpp"
#include "every_allocation.hpp"
#include "fresh_thread.hpp"
#include "loop_thread.hpp"
#include "recorder.hpp"

using namespace braid;
using namespace braid_tests;

namespace {

task<int> later(int n) {
  co_await yield();
  co_return n;
}

// Finishes on another loop's thread, as no sender of braid does. If its home loop's end destroys it, it waits
// for that thread.
struct ends_on {
  static inline std::atomic<int> under_way{0};
  using sender_concept = sender_tag;
  using value_type = int;
  loop& there;
  int value;

  template <class R>
  struct state final : operation_base {
    state(loop& where, int v, R to) noexcept
        : operation_base(arrived), there(where), value(v), receiver(std::move(to)) {}
    ~state() {
      while (!there.is_here() && under_way != 0) std::this_thread::yield();
    }
    void start() noexcept {
      ++under_way;
      there.operations().deliver(*this);
    }
    static void arrived(operation_base& base, completion) noexcept {
      auto& self = static_cast<state&>(base);
      R to = std::move(self.receiver);
      std::move(to).finish(self.value);
      --under_way;
    }
    loop& there;
    int value;
    R receiver;
  };
  template <receiver_of<int> R>
  auto connect(R receiver) && noexcept {
    return state<R>(there, value, std::move(receiver));
  }
};
task<int> elsewhere(loop& there, int n) { co_return co_await ends_on{there, n}; }

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wreturn-type"
task<int> forgets_co_return(bool value) {
  co_await yield();
  if (value) co_return 1;
}
#pragma GCC diagnostic pop

// Like every_allocation, for operations that the program's own loop does not count as its work.
void run_program(unique_function<task<>()> program) {
  if (!counts_allocations) return;
  for (const lack_of_memory lasts : {lack_of_memory::once, lack_of_memory::for_good}) {
    bool met_failure = true;
    for (std::size_t n = 1; met_failure; ++n) {
      std::string fault;
      on_fresh_thread([&] {
        fail_allocation(n, lasts);
        try {
          loop here;
          here.on_unhandled_error([&](const error& why) {
            if (!is_out_of_memory(why)) fault = why.message();
          });
          here.run(program());
        } catch (...) {
          if (!is_out_of_memory(error::current())) fault = "an exception other than std::bad_alloc";
        }
        met_failure = allocation_failed();
        fail_allocation(0);
      });
      INFO("allocation " << n);
      REQUIRE(fault == "");
    }
  }
}

void check_program(unique_function<task<>()> program) {
  every_allocation(program, may_fail::with_cancellation_only);
}

void expect(int value, int wanted) {
  if (value != wanted) throw std::logic_error("a wrong value: " + std::to_string(value));
}

}  // namespace

TEST_CASE("without memory: a future's operation that ends on another thread is delivered",
          "[without_memory][thread]") {
  loop_thread other;
  loop& there = other.there();
  run_program([&there]() -> task<> { expect(co_await spawn(ends_on{there, 1}), 1); });
  run_program([&there]() -> task<> {
    auto chain =
        make_ready_future(1).then([&there](int n) { return ends_on{there, n + 1}; }).then([&there](int n) {
          return elsewhere(there, n + 1);
        });
    expect(co_await std::move(chain), 3);
  });
  run_program([&there]() -> task<> {
    co_await with_scope([&there](scope& within) -> task<> {
      auto child = within.spawn(ends_on{there, 1}).then([&there](int n) { return ends_on{there, n + 1}; });
      expect(co_await std::move(child), 2);
    });
  });
}

TEST_CASE("without memory: a task that a sender resumed on another thread is delivered",
          "[without_memory][thread]") {
  loop_thread other;
  loop& there = other.there();
  run_program([&there]() -> task<> { expect(co_await elsewhere(there, 1), 1); });
  run_program([&there]() -> task<> { expect(co_await spawn(elsewhere(there, 1)), 1); });
  run_program([&there]() -> task<> {
    const auto [a, b] = co_await when_all(elsewhere(there, 1), elsewhere(there, 2));
    expect(a + b, 3);
  });
}

TEST_CASE("without memory: a task moves only with the memory for its return", "[without_memory][thread]") {
  loop_thread other;
  loop& there = other.there();
  const auto goes = [&there](int n) -> task<int> {
    co_await resume_on(there);
    co_return n;
  };
  run_program([goes]() -> task<> { expect(co_await goes(1), 1); });
  run_program([goes, &there]() -> task<> {
    loop& home = loop::current();
    co_await resume_on(there);
    co_await resume_on(home);
    expect(co_await spawn(goes(1)), 1);
  });
  run_program([goes]() -> task<> { expect(co_await goes(1) + co_await goes(2), 3); });
}

TEST_CASE("without memory: attaching a chain to a scope's child fails", "[without_memory]") {
  check_program([]() -> task<> {
    co_await with_scope([](scope& within) -> task<> {
      auto ended = within.spawn(later(1));
      for (int n = 0; n < 5; ++n) co_await yield();
      auto first = std::move(ended).then([](int n) { return later(n + 1); });
      auto second =
          within.spawn(later(1)).then([](int n) { return n + 1; }).catch_error([](const error& why) {
            why.rethrow();
            return 0;
          });
      expect(co_await std::move(first) + co_await std::move(second), 4);
    });
  });
}

TEST_CASE("without memory: a task without co_return still has an error", "[without_memory]") {
  check_program([]() -> task<> {
    const auto ended = co_await as_result(forgets_co_return(false));
    if (ended) throw std::logic_error("it has a value");
    if (ended.error() == std::errc::not_enough_memory) ended.error().rethrow();
    if (ended.error().exception() == nullptr) throw std::logic_error("it is no exception");
  });
}

TEST_CASE("without memory: an element that cannot be given back is reported", "[without_memory]") {
  if (!counts_allocations) return;
  const bool fails = GENERATE(false, true);
  std::vector<std::error_code> unhandled;
  loop here;
  here.on_unhandled_error([&](const error& why) { unhandled.push_back(why.code()); });
  channel<int> numbers(8);
  std::optional<recorded<decltype(numbers.receive())>> waits;
  waits.emplace(numbers.receive());
  waits->start();
  for (int n = 0; n < 9; ++n) REQUIRE(numbers.try_send(n));  // one is handed over; the ring is full
  if (fails) fail_allocation(1);
  waits.reset();
  fail_allocation(0);
  CHECK(numbers.size() == (fails ? 8 : 9));
  CHECK(numbers.try_receive() == (fails ? 1 : 0));
  CHECK(unhandled.size() == (fails ? 1 : 0));
  if (fails) CHECK(unhandled.at(0) == std::errc::not_enough_memory);
}
