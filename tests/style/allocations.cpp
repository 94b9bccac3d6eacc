// In the steady state no style allocates: each operation finds its memory in the warm pools.

#include "allocations.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/combine/when_any.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/core/just.hpp"
#include "braid/fs/file.hpp"
#include "braid/loop/nop.hpp"
#include "braid/net/serve.hpp"
#include "braid/net/tcp.hpp"
#include "braid/schedule/offload.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "catch.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

task<int> one() { co_return 1; }
task<int> one_later() {
  co_await yield();
  co_return 1;
}

// How much 1,000 calls allocate after earlier ones have filled the pools.
template <class F>
std::size_t allocations_of(F f) {
  constexpr int warming = 100, counted = 1000;
  for (int i = 0; i < warming; ++i) f();
  const allocation_count count;
  for (int i = 0; i < counted; ++i) f();
  return count.made();
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("every style: no operation allocates once the pools are warm", "[style][allocation]",
                        every_style) {
  if (!counts_allocations) return;
  loop here;
  const auto of = [](auto make) { return allocations_of([&] { TestType::wait(make()).value(); }); };
  CHECK(of([] { return nop(); }) == 0);
  CHECK(of([] { return yield(); }) == 0);
  CHECK(of([] { return sleep_for(0ns); }) == 0);
  CHECK(of([] { return just(1); }) == 0);
  CHECK(of([] { return one(); }) == 0);
  CHECK(of([] { return one_later(); }) == 0);
  CHECK(of([] { return [] { return one_later(); }; }) == 0);
  CHECK(of([] { return spawn(one_later()); }) == 0);
  CHECK(of([] { return make_ready_future(1).then([](int n) { return n + 1; }); }) == 0);
  CHECK(of([] { return make_ready_future(1).then([](int) { return one_later(); }); }) == 0);
  CHECK(of([] { return in_fiber([] { return await(one_later()); }); }) == 0);
  CHECK(of([] { return offload([] { return 1; }); }) <=
        16);  // of the pool's four threads, which start on demand
  CHECK(of([] { return as_result(one_later()); }) == 0);
  CHECK(of([] { return when_all(one(), one_later(), nop()); }) == 0);
  CHECK(of([] { return when_any(one_later(), sleep_for(1h)); }) == 0);
  CHECK(of([] { return with_timeout(one_later(), 1h); }) == 0);
}

TEMPLATE_LIST_TEST_CASE("every style: reading and writing a file allocates nothing",
                        "[style][allocation][kernel]", every_style) {
  if (!counts_allocations) return;
  loop here;
  const file zero = TestType::wait(open_file("/dev/zero", O_RDWR)).value();
  std::string room(64, '?');
  CHECK(allocations_of([&] { TestType::wait(zero.read_some(room)).value(); }) == 0);
  CHECK(allocations_of([&] { TestType::wait(zero.read_at(1, room)).value(); }) == 0);
  CHECK(allocations_of([&] { TestType::wait(zero.read_exactly(room)).value(); }) == 0);
  CHECK(allocations_of([&] { TestType::wait(zero.write_all("x")).value(); }) == 0);
}

TEST_CASE("callback: 32 operations in flight allocate nothing", "[style][allocation]") {
  if (!counts_allocations) return;
  loop here;
  int finished = 0;
  CHECK(allocations_of([&] {
          for (int i = 0; i < 32; ++i) start(nop(), [&](result<void>) { ++finished; });
          here.run();
        }) == 0);
  CHECK(finished == 32 * 1100);
}

TEST_CASE("detach, post, promise: allocate nothing once the pools are warm", "[style][allocation]") {
  if (!counts_allocations) return;
  loop here;
  CHECK(allocations_of([&] {
          detach(one_later());
          here.run();
        }) == 0);
  CHECK(allocations_of([&] {
          here.post([] {});
          here.run();
        }) == 0);
  CHECK(allocations_of([&] {
          promise<int> later;
          auto waiting = later.get_future().then([](int n) { return n; });
          later.set_value(1);
          here.run(std::move(waiting));
        }) == 0);
}

TEST_CASE("spawn: a cancelled operation takes its error's record from the pool", "[style][allocation]") {
  if (!counts_allocations) return;
  loop here;
  int cancelled = 0;
  CHECK(allocations_of([&] {
          auto sleeping = spawn(sleep_for(1h));
          sleeping.request_stop();
          cancelled += here.run(as_result(std::move(sleeping))).has_value() ? 0 : 1;
        }) == 0);
  CHECK(cancelled == 1100);
}

#ifdef __OPTIMIZE__  // without optimisation frames are larger
namespace {

// The bytes that begin() takes from the heap once the pools are empty. The median, since tables grow.
template <class F>
std::size_t bytes_of_each(F begin) {
  for (int i = 0; i < 200; ++i) begin();
  std::array<std::size_t, 51> each;
  for (std::size_t& bytes : each) {
    const std::size_t before = bytes_allocated();
    begin();
    bytes = bytes_allocated() - before;
  }
  std::sort(each.begin(), each.end());
  return each[each.size() / 2];
}

task<> sleeps() { co_await sleep_for(1h); }

std::size_t connections_begun = 0;
std::array<char, 512> shared_room;

task<> echoes_incoming_bytes(tcp::stream peer) {
  ++connections_begun;
  tcp::incoming_bytes arriving = peer.incoming_bytes();
  while (const std::optional<leased_bytes> part = co_await arriving.next()) co_await peer.write_all(*part);
}
task<> reads(tcp::stream peer) {
  ++connections_begun;
  for (;;) {
    const std::size_t got = co_await peer.read_some(shared_room);
    if (got == 0) co_return;
  }
}

template <class Handler>
std::size_t bytes_of_each_connection(Handler handler) {
  loop here;
  const tcp::listener door = tcp::listen_now(endpoint::loopback());
  auto serving = spawn(tcp::serve(door, handler));
  std::vector<tcp::stream> clients;
  clients.reserve(300);
  const std::size_t bytes = bytes_of_each([&] {
    const std::size_t before = connections_begun;
    clients.push_back(here.run(tcp::connect(door.local_endpoint())));
    while (connections_begun == before) here.run(nop());
  });
  serving.request_stop();
  (void)here.run(as_result(std::move(serving)));
  return bytes;
}

// The most that is allowed: with clang, and with g++ 12, where temporaries never share their room in a frame.
constexpr std::size_t bound([[maybe_unused]] std::size_t clang, [[maybe_unused]] std::size_t gcc) {
#ifdef __clang__
  return clang;
#else
  return gcc;
#endif
}

}  // namespace

TEST_CASE("a sleeping task and an idle connection take few bytes", "[style][allocation][kernel]") {
  if (!counts_allocations) return;
  std::size_t detached = 0, spawned = 0;
  {
    loop here;
    detached = bytes_of_each([] { detach(sleeps()); });
    std::vector<future<void>> all;
    all.reserve(300);
    spawned = bytes_of_each([&] { all.push_back(spawn(sleeps())); });
  }
  CHECK(detached <= bound(288, 352));
  CHECK(spawned <= bound(368, 432));
  const std::size_t by_range = bytes_of_each_connection(echoes_incoming_bytes);
  CHECK(by_range <= bound(472, 632));
  const std::size_t by_read = bytes_of_each_connection(reads);
  CHECK(by_read <= bound(248, 280));
}
#endif
