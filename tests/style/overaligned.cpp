// Values with an alignment of 32, 64 or 4096 bytes are aligned wherever an operation keeps them.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "braid/base/unique_function.hpp"
#include "braid/combine/buffered.hpp"
#include "braid/combine/map_concurrent.hpp"
#include "braid/combine/retry.hpp"
#include "braid/combine/scope.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/when_all_settled.hpp"
#include "braid/combine/when_any.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/core/just.hpp"
#include "braid/schedule/offload.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/async_generator.hpp"
#include "braid/style/fiber.hpp"
#include "braid/style/generator.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/run.hpp"
#include "braid/style/shared_task.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"
#include "braid/sync/broadcast.hpp"
#include "braid/sync/channel.hpp"
#include "braid/sync/watch.hpp"
#include "catch.hpp"

using namespace braid;
using namespace std::chrono_literals;

namespace {

std::atomic<std::size_t> made = 0, misaligned = 0;  // atomic, since threads of the pool count too

// Counts its instances, and those at a misaligned address.
template <std::size_t Alignment>
struct alignas(Alignment) strict {
  explicit strict(int n = 7) noexcept : number(n) { check(); }
  strict(const strict& other) noexcept : number(other.number) { check(); }
  strict(strict&& other) noexcept : number(other.number) { check(); }
  strict& operator=(const strict&) = default;
  void check() const noexcept {
    ++made;
    if (reinterpret_cast<std::uintptr_t>(this) % Alignment != 0) ++misaligned;
  }
  int number;
};

template <class Value>
struct from_outside {  // a sender that no coroutine makes
  static auto later() {
    return offload([] { return Value(); });
  }
};

template <class Value, class F>
void all_aligned(F f) {
  made = misaligned = 0;
  loop here;
  f(here);
  here.run();
  CHECK(made > 0);
  CHECK(misaligned == 0);
}

}  // namespace

TEMPLATE_TEST_CASE("over-aligned values: the states on the heap are aligned", "[style][alignment]",
                   strict<32>, strict<64>, strict<4096>) {
  using value = TestType;
  const auto later = [] { return from_outside<value>::later(); };
  SECTION("promise") {
    all_aligned<value>([&](loop& here) {
      std::vector<future<value>> all;
      for (int i = 0; i < 4; ++i) {
        promise<value> each;
        all.push_back(each.get_future());
        each.set_value(value(i));
      }
      for (auto& each : all) (void)here.run(std::move(each));
    });
  }
  SECTION("spawn and then") {
    all_aligned<value>([&](loop& here) {
      std::vector<future<value>> all;
      for (int i = 0; i < 4; ++i)
        all.push_back(spawn(later()).then([kept = value(i)](value v) { return v.number > 0 ? v : kept; }));
      for (auto& each : all) (void)here.run(std::move(each));
    });
  }
  SECTION("start and detach") {
    all_aligned<value>([&](loop& here) {
      for (int i = 0; i < 4; ++i) {
        start(later(), [kept = value(i)](result<value>) { kept.check(); });
        start(just(value(i)), [kept = value(i)](result<value>) { kept.check(); });
        start(sleep_for(0s), [kept = value(i)](result<void>) { kept.check(); });
        detach(later());
      }
      here.run();
    });
  }
  SECTION("post, offload and unique_function") {
    all_aligned<value>([&](loop& here) {
      for (int i = 0; i < 4; ++i) {
        here.post([kept = value(i)] { kept.check(); });
        (void)here.run(offload([kept = value(i)] { return kept; }));
        unique_function<int()> f = [kept = value(i)] { return kept.check(), kept.number; };
        unique_function<int()> moved = std::move(f);
        CHECK(moved() == i);
      }
    });
  }
  SECTION("scope children") {
    all_aligned<value>([&](loop& here) {
      here.run(with_scope([&, kept = value()](scope& within) {
        for (int i = 0; i < 4; ++i) (void)within.spawn([kept = value(i)] { return just(kept); });
        for (int i = 0; i < 4; ++i) (void)within.spawn(later());
        kept.check();
      }));
    });
  }
  SECTION("joins") {
    all_aligned<value>([&](loop& here) {
      const auto several = [&] {
        std::vector<decltype(later())> ops;
        for (int i = 0; i < 3; ++i) ops.push_back(later());
        return ops;
      };
      (void)here.run(when_all(several()));
      (void)here.run(when_any(several()));
      (void)here.run(when_all_settled(several()));
      (void)here.run(when_all(later(), later()));
      (void)here.run(when_any(later(), later()));
      (void)here.run(with_timeout(later(), 1h));
      (void)here.run(as_result(later()));
      (void)here.run(retry(retry_policy{}, later));
      const std::vector<value> from(3);
      (void)here.run(map_concurrent(from, 2, [&](const value&) { return later(); }));
    });
  }
  SECTION("channels") {
    all_aligned<value>([&](loop& here) {
      for (const std::size_t capacity : {std::size_t{0}, std::size_t{2}}) {
        channel<value> through(capacity);
        auto receiving = spawn(through.receive());
        here.run(through.send(value(1)));
        CHECK(here.run(std::move(receiving))->number == 1);
      }
      channel<value> buffers(20);
      for (int i = 0; i < 20; ++i) CHECK(buffers.try_send(value(i)));
      watch<value> seen(value(3));
      seen.set(value(4));
      broadcast<value> all(4);
      auto subscriber = all.subscribe();
      for (int i = 0; i < 3; ++i) all.send(value(i));
      (void)here.run(subscriber.receive());
    });
  }
  SECTION("fibers") {
    all_aligned<value>([&](loop& here) {
      CHECK(here.run(in_fiber([&, kept = value(1)] { return await(later()).number * kept.number; })) == 7);
    });
  }
}

#ifndef __clang__
namespace {

template <class Value>
task<Value> made_by_task(Value kept) {
  Value local(1);
  co_await yield();
  local.check();
  co_return kept;
}
template <class Value>
task<> awaits_tasks() {
  for (int i = 0; i < 3; ++i) {
    Value got = co_await made_by_task(Value(i));
    co_await yield();
    got.check();
    Value from_pool = co_await offload([] { return Value(); });
    co_await yield();
    from_pool.check();
  }
}
template <class Value>
generator<Value> generated() {
  for (int i = 0; i < 3; ++i) {
    Value local(i);
    co_yield local;
    local.check();
  }
}
template <class Value>
async_generator<Value> generated_later() {
  for (int i = 0; i < 3; ++i) {
    Value local(i);
    co_await yield();
    co_yield local;
  }
}

}  // namespace

// The compiler aligns what lies in a coroutine's frame: see docs/compilers.md.
TEMPLATE_TEST_CASE("over-aligned values: g++'s coroutine frames are aligned up to 64 bytes",
                   "[style][alignment]", strict<32>, strict<64>) {
  using value = TestType;
  all_aligned<value>([](loop& here) {
    here.run(awaits_tasks<value>());
    here.run(when_all(awaits_tasks<value>(), awaits_tasks<value>()));
    auto spawned = spawn(made_by_task(value(2)));
    CHECK(here.run(std::move(spawned)).number == 2);
    shared_task<value> shared = made_by_task(value(3));
    CHECK(here.run(shared).number == 3);
    for (value each : generated<value>()) each.check();
    here.run([]() -> task<> {
      auto elements = generated_later<value>();
      while (auto each = co_await elements.next()) each->check();
    });
  });
}
#endif
