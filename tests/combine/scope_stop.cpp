// What stops a scope, and what a loop's end does to it.

#include "braid/combine/scope.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <source_location>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "allocations.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/loop/nop.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/get_stop_token.hpp"
#include "braid/style/shield.hpp"
#include "braid/sync/event.hpp"
#include "catch.hpp"
#include "combine/operations.hpp"
#include "ends_elsewhere.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "recorder.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

// Ends within the call that requests stop, as no operation of braid does.
struct ends_when_stopped {
  using sender_concept = sender_tag;
  using value_type = void;

  template <class R>
  struct state : pinned {
    struct end {
      state* self;
      void operator()() const noexcept {
        R to = std::move(self->receiver);
        std::move(to).finish(error(std::errc::operation_canceled));
      }
    };
    explicit state(R to) : receiver(std::move(to)) {}
    void start() noexcept { stopped.emplace(receiver.get_stop_token(), end{this}); }
    R receiver;
    std::optional<stop_callback<end>> stopped;
  };
  template <receiver_of<void> R>
  auto connect(R receiver) && {
    return state<R>(std::move(receiver));
  }
};

}  // namespace

TEST_CASE("with_scope: a stop from outside ends it as cancelled, even if it cut only a child short",
          "[scope][stop]") {
  loop here;
  int cancelled = 0;
  auto running = spawn(with_scope([&](scope& s) {
    s.spawn([&] { return sleeps(cancelled); });
    return 1;
  }));
  running.request_stop();
  CHECK(here.run(as_result(std::move(running))).error() == std::errc::operation_canceled);
  CHECK(cancelled == 1);

  auto achieved = spawn(with_scope([&](scope& s) {
    s.spawn([]() -> task<> { (void)co_await as_result(sleep_for(1h)); });
    return 2;
  }));
  achieved.request_stop();
  CHECK(here.run(std::move(achieved)) == 2);

  bool called = false;
  stop_source stopped;
  stopped.request_stop();
  recorded never(with_scope([&](scope&) { called = true; }), stopped.get_token());
  never.start();
  CHECK(never.result().error() == std::errc::operation_canceled);
  CHECK_FALSE(called);
}

TEST_CASE("scope::request_stop: ends the children; the function's result stays what it is", "[scope][stop]") {
  loop here;
  int cancelled = 0;
  const int got = here.run(with_scope([&](scope& s) -> task<int> {
    s.spawn([&] { return sleeps(cancelled); });
    s.spawn([&] { return sleeps(cancelled); });
    co_await yield();
    s.request_stop();
    s.request_stop();
    CHECK((co_await get_stop_token()).stop_requested());
    CHECK(s.get_stop_token().stop_requested());
    co_return 1;
  }));
  CHECK(got == 1);
  CHECK(cancelled == 2);
  const auto both = here.run(as_result(with_scope([&](scope& s) -> task<int> {
    s.request_stop();
    co_await yield();
    co_return 1;
  })));
  CHECK(both.error() == std::errc::operation_canceled);
}

TEST_CASE("scope: a child that is stopped by its future is no failure", "[scope][stop]") {
  int cancelled = 0;
  const auto got = run(as_result(with_scope([&](scope& s) -> task<int> {
    auto one = s.spawn([&] { return sleeps(cancelled); });
    auto other = s.spawn(later(2));
    one.request_stop();
    const auto stopped = co_await as_result(std::move(one));
    CHECK(stopped.error() == std::errc::operation_canceled);
    CHECK_FALSE(s.get_stop_token().stop_requested());
    co_return co_await std::move(other);
  })));
  CHECK(got.value() == 2);
  CHECK(cancelled == 1);
}

TEST_CASE("scope::request_stop: races with the scope's end from another thread, and either wins",
          "[scope][stop][thread]") {
  loop here;
  int right = 0;
  for (int i = 0; i < 300; ++i) {
    std::thread elsewhere;
    const auto got = here.run(as_result(with_scope([&](scope& s) -> task<int> {
      for (int k = 0; k < 3; ++k) s.spawn(sleep_for(1us * k));
      std::atomic<bool> asked{false};
      elsewhere = std::thread([&] {
        s.request_stop();
        asked = true;
      });
      while (!asked && i % 2 == 0) (void)co_await as_result(yield());
      if (i % 2 != 0) elsewhere.join();
      co_return 1;
    })));
    if (elsewhere.joinable()) elsewhere.join();
    right += got.has_value() && *got == 1;
  }
  CHECK(right == 300);
}

TEST_CASE("scope: stops from another thread race with its children's ends", "[scope][stop][thread]") {
  loop here;
  int right = 0;
  for (int i = 0; i < 300; ++i) {
    auto running = spawn(with_scope([](scope& s) -> task<> {
      for (int k = 0; k < 4; ++k) s.spawn(sleep_for(1us * k));
      s.spawn(with_scope([](scope& inner) { inner.spawn(nop()); }));
      auto kept = s.spawn(sleep_for(2us));
      co_await std::move(kept);
    }));
    std::thread elsewhere([&] { running.request_stop(); });
    here.run();
    elsewhere.join();
    const auto got = here.run(as_result(std::move(running)));
    right += got || got.error() == std::errc::operation_canceled;
  }
  CHECK(right == 300);
}

TEST_CASE("scope: a child may end within the call that stops it", "[scope][stop]") {
  loop here;
  const auto body = [](scope& s) {
    s.spawn(ends_when_stopped{});
    s.spawn(ends_when_stopped{});
    auto alone = s.spawn(ends_when_stopped{});
    alone.request_stop();
    return ends_when_stopped{};
  };
  auto running = spawn(with_scope(body));
  running.request_stop();
  CHECK(here.run(as_result(std::move(running))).error() == std::errc::operation_canceled);
  CHECK(here.run(as_result(with_scope([&](scope& s) {
              s.spawn(with_scope(body));
              s.spawn(fails("all"));
            })))
            .error()
            .message() == "all");
  {
    std::optional<future<void>> kept;
    std::optional<future<void>> whole;
    whole.emplace(spawn(with_scope([&](scope& s) { kept.emplace(s.spawn(ends_when_stopped{})); })));
    auto after = std::move(*whole).then([&] { kept.reset(); });
    kept->request_stop();
    here.run(std::move(after));
  }
}

TEST_CASE("scope: can be stopped at each suspension", "[scope][stop]") {
  const auto suspensions = every_cancellation([]() -> task<> {
    int begun = 0, ended = 0;
    const auto child = [&](int turns) -> task<> {
      struct counted {
        int& count;
        ~counted() { ++count; }
      } const at_end{ended};
      ++begun;
      for (int i = 0; i < turns; ++i) co_await yield();
    };
    const auto body = [&](scope& s) -> task<int> {
      s.spawn(child(3));
      auto awaited = s.spawn([&]() -> task<int> {
        s.spawn(child(2));
        co_await sleep_for(0ns);
        s.spawn(child(1));
        co_return 1;
      });
      co_await with_scope([&](scope& inner) { inner.spawn(child(1)); });
      const int one = co_await std::move(awaited);
      s.spawn(sleep_for(1h));
      s.spawn(child(2));
      co_await yield();
      s.request_stop();
      co_return one;
    };
    const auto got = co_await as_result(with_scope(body));
    CHECK(begun == ended);
    if (got.value() != 1) throw std::logic_error("another value");
  });
  CHECK(suspensions > 8);
}

TEST_CASE("scope: can be stopped at each suspension while a child fails", "[scope][stop]") {
  every_cancellation([]() -> task<> {
    const auto body = [](scope& s) -> task<> {
      s.spawn(sleep_for(1h));
      s.spawn([]() -> task<> {
        co_await yield();
        co_await yield();
        throw std::runtime_error("failed");
      });
      co_await sleep_for(1h);
    };
    const auto got = co_await as_result(with_scope(body));
    if (got.error().message() != "failed") got.value();
  });
}

// These waits never end: the loop's end destroys them, with the scopes around them.
TEST_CASE("scope: the loop's end destroys children in every state", "[scope]") {
  auto owned = std::make_shared<int>(0);
  const std::weak_ptr<int> watch = owned;
  bool spawned_late = false;
  std::optional<future<void>> outlives;
  event never;
  {
    loop here;
    auto body = [&, owned](scope& s) -> task<> {
      struct spawns_at_its_end {
        scope& within;
        bool& done;
        ~spawns_at_its_end() {
          within.spawn(nop());
          within.request_stop();
          done = true;
        }
      };
      auto waits = [&, owned]() -> task<> {
        const spawns_at_its_end last{s, spawned_late};
        co_await never.wait();
      };
      s.spawn(std::move(waits));
      s.spawn(in_fiber([&] { await(never.wait()); }));
      s.spawn(when_all(never.wait(), never.wait()));
      s.spawn(with_scope([&](scope& inner) { inner.spawn(never.wait()); }));
      outlives.emplace(s.spawn(never.wait()));
      auto shared = std::make_shared<int>(0);
      auto first = s.spawn(never.wait());
      s.spawn([&]() -> task<> {
        ++*shared;  // a local of the scope's function, which lives until this child has ended
        co_await std::move(first);
        ++*shared;
      });
      co_await s.spawn(never.wait());
    };
    detach(with_scope(std::move(body)));
    owned.reset();
    here.run(yield());
    CHECK_FALSE(watch.expired());
  }
  CHECK(watch.expired());
  CHECK(spawned_late);
  REQUIRE(outlives->is_ready());
  CHECK(capture([&] { std::move(*outlives).get(); }).error() == std::errc::operation_canceled);
}
