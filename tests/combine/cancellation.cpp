// What docs/cancellation.md says of a stop request, wherever it comes from.

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "braid/combine/scope.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/core/just.hpp"
#include "braid/loop/nop.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/get_stop_token.hpp"
#include "braid/style/shield.hpp"
#include "braid/sync/event.hpp"
#include "catch.hpp"
#include "every_style.hpp"
#include "read_pipe.hpp"
#include "recorder.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

// ---- operations that end only when they are stopped

enum class wait_on { timer, kernel, queue, promise, join, scope, fiber };
constexpr wait_on everything[] = {wait_on::timer, wait_on::kernel, wait_on::queue, wait_on::promise,
                                  wait_on::join,  wait_on::scope,  wait_on::fiber};

struct flags {
  bool begun = false;
  bool ended = false;
};

task<int> waits(wait_on what, flags& seen) {
  struct at_end {
    bool& flag;
    ~at_end() { flag = true; }
  } const mark{seen.ended};
  seen.begun = true;
  event never;
  promise<void> unkept;
  read_pipe empty;
  char room[1];
  switch (what) {
    case wait_on::timer: co_await sleep_for(1h); break;
    case wait_on::kernel: co_await empty.reader.read_some(room); break;
    case wait_on::queue: co_await never.wait(); break;
    case wait_on::promise: co_await unkept.get_future(); break;
    case wait_on::join: co_await when_all(never.wait(), sleep_for(1h)); break;
    case wait_on::scope: co_await with_scope([&](scope& s) { s.spawn(never.wait()); }); break;
    case wait_on::fiber: co_await in_fiber([&] { await(never.wait()); }); break;
  }
  co_return 1;
}

// ---- ways to stop them

struct stopper {
  stop_source source;
  std::atomic<scope*> within{nullptr};
  std::atomic<future<int>*> running{nullptr};
  std::atomic<int> asking{0};

  void stop() {
    ++asking;
    if (auto* of = running.load())
      of->request_stop();
    else if (auto* of_scope = within.load())
      of_scope->request_stop();
    else
      source.request_stop();
    --asking;
  }
};

task<int> stopped_by_token(task<int> op, stopper& by) {
  return [](task<int> inner, stop_token token) -> task<int> {
    co_return co_await with_stop_token(std::move(inner), token);
  }(std::move(op), by.source.get_token());
}
task<int> stopped_by_scope(task<int> op, stopper& by) {
  const auto body = [&](scope& s) {
    by.within = &s;
    return std::move(op);
  };
  co_return co_await with_scope(body);
}
task<int> stopped_by_future(task<int> op, stopper& by) {
  auto running = spawn(std::move(op));
  by.running = &running;
  while (!running.is_ready() || by.asking != 0) (void)co_await as_result(yield());
  co_return co_await std::move(running);
}
using way = task<int> (*)(task<int>, stopper&);
constexpr way every_way[] = {stopped_by_token, stopped_by_scope, stopped_by_future};

bool canceled(const result<int>& ended) { return !ended && ended.error() == std::errc::operation_canceled; }

}  // namespace

TEST_CASE("cancellation: a stop request ends a waiting operation as cancelled, in a later turn",
          "[cancellation][stop][kernel]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  for (const way how : every_way)
    for (const wait_on what : everything) {
      loop here;
      stopper by;
      flags seen;
      bool within_the_call = false;
      here.post([&] {
        by.stop();
        within_the_call = seen.ended;
      });
      CHECK(canceled(style.wait(how(waits(what, seen), by))));
      CHECK_FALSE(within_the_call);
      CHECK(seen.ended);
    }
}

TEST_CASE("cancellation: stop requests may come from several threads",
          "[cancellation][stop][thread][kernel]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  for (const way how : every_way)
    for (const wait_on what : everything) {
      loop here;
      stopper by;
      flags seen;
      std::vector<std::thread> elsewhere;
      here.post([&] {
        by.asking += 2;  // both threads are about to ask: the future must outlive their requests
        for (int i = 0; i < 2; ++i)
          elsewhere.emplace_back([&, i] {
            if (how != stopped_by_scope || i == 0) by.stop();
            --by.asking;
          });
      });
      CHECK(canceled(style.wait(how(waits(what, seen), by))));
      for (auto& each : elsewhere) each.join();
      CHECK(seen.ended);
    }
}

TEST_CASE("cancellation: an operation that would wait does not, if stop was requested before its start",
          "[cancellation][stop]") {
  loop here;
  for (const wait_on what : everything) {
    flags seen;
    stopper by;
    by.source.request_stop();
    CHECK(canceled(here.run(as_result(stopped_by_token(waits(what, seen), by)))));
    CHECK(seen.begun);  // a task runs up to its first wait
    const auto body = [&](scope& s) {
      s.request_stop();
      return waits(what, seen);
    };
    CHECK(canceled(here.run(as_result(with_scope(body)))));
  }
}

TEST_CASE("cancellation: an operation that completes at once is not cancelled", "[cancellation][stop]") {
  stop_source stop;
  stop.request_stop();
  CHECK(run(with_stop_token(just(1), stop.get_token())) == 1);
  CHECK(run(with_stop_token([]() -> task<int> { co_return 2; }, stop.get_token())) == 2);
  event set(true);
  CHECK_NOTHROW(run(with_stop_token(set.wait(), stop.get_token())));
}

TEST_CASE("cancellation: a stop request does nothing to an operation that was never started",
          "[cancellation][stop]") {
  loop here;
  stop_source stop;
  flags seen;
  { const auto dropped = with_stop_token(waits(wait_on::timer, seen), stop.get_token()); }
  recorded connected_only(with_stop_token(waits(wait_on::timer, seen), stop.get_token()));
  CHECK(stop.request_stop());
  here.run();
  CHECK_FALSE(seen.begun);
  CHECK(connected_only.heard.times == 0);
}

TEST_CASE("cancellation: a stop request does nothing to a completed operation", "[cancellation][stop]") {
  loop here;
  stop_source stop;
  recorded op(with_stop_token(nop(), stop.get_token()));
  op.start();
  here.run();
  stop.request_stop();
  here.run();
  CHECK(op.heard.times == 1);
  CHECK(op.result());

  auto settled = spawn(just(1));
  settled.request_stop();
  CHECK(here.run(std::move(settled)) == 1);
  CHECK(here.run(with_scope([](scope& s) -> task<int> {
    auto child = s.spawn(nop());
    co_await std::move(child);
    s.request_stop();
    co_return 2;
  })) == 2);
}

TEST_CASE("cancellation: a second stop request changes nothing", "[cancellation][stop]") {
  loop here;
  for (const way how : every_way) {
    stopper by;
    int cleaned_up = 0;
    const auto op = [](stopper& again, int& steps) -> task<int> {
      const auto slept = co_await as_result(sleep_for(1h));
      CHECK_FALSE(slept);
      const auto clean_up = [&]() -> task<> {
        for (; steps < 3; ++steps) {
          again.stop();
          co_await yield();
        }
      };
      co_await shield(clean_up);
      slept.value();
      co_return 1;
    };
    here.post([&] { by.stop(); });
    CHECK(canceled(here.run(as_result(how(op(by, cleaned_up), by)))));
    CHECK(cleaned_up == 3);
  }
}

TEST_CASE("cancellation: an operation that succeeds in spite of a stop request gives its value",
          "[cancellation][stop]") {
  loop here;
  for (const way how : every_way) {
    stopper by;
    const auto op = []() -> task<int> {
      (void)co_await as_result(sleep_for(1h));
      co_return 1;
    };
    here.post([&] { by.stop(); });
    CHECK(here.run(how(op(), by)) == 1);
  }
}

TEST_CASE("cancellation: simultaneous stop requests from outside and inside end an operation once",
          "[cancellation][stop][thread]") {
  loop here;
  int right = 0;
  for (int i = 0; i < 200; ++i) {
    stop_source outer, inner;
    const auto body = [&](scope& s) -> task<int> {
      s.spawn(with_stop_token(sleep_for(1us * (i % 8)), inner.get_token()));
      s.spawn(nop());
      co_await with_stop_token(sleep_for(1us * (i % 5)), inner.get_token());
      co_return 1;
    };
    recorded op(with_scope(body), outer.get_token());
    op.start();
    std::thread one([&] { outer.request_stop(); });
    std::thread other([&] { inner.request_stop(); });
    while (!op.done()) here.turn(true);
    one.join();
    other.join();
    here.run();
    right += op.heard.times == 1 && (op.result().has_value() || canceled(op.result()));
  }
  CHECK(right == 200);
}
