// Fails each allocation of a program once: the operation that needs it fails with std::bad_alloc, and
// everything else goes on.

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <exception>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "braid/braid.hpp"
#include "catch.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

// With these functions the frame pool believes that it runs under AddressSanitizer, and recycles nothing. So
// each frame, box and state is an allocation that may fail.
#if BRAID_ASAN == 0
extern "C" {
void __asan_poison_memory_region(const volatile void*, std::size_t) {}
void __asan_unpoison_memory_region(const volatile void*, std::size_t) {}
}
#endif

namespace {

bool is_out_of_memory(const error& why) {
  if (why == std::errc::not_enough_memory) return true;
  for (const error& each : why.suppressed())
    if (is_out_of_memory(each)) return true;
  return false;
}

// Counts the ends that are neither a success nor std::bad_alloc.
struct verdict {
  int unexpected = 0;
  std::string first;
  void add(const std::string& what) {
    if (unexpected++ == 0) first = what;
  }
};

// Runs f, which may fail only with std::bad_alloc.
template <class F>
void attempt(verdict& seen, const char* name, F f) {
  try {
    f();
  } catch (const std::bad_alloc&) {
    // expected
  } catch (const std::exception& e) {
    if (!is_out_of_memory(error::current())) {
      fail_allocation(0);
      seen.add(std::string(name) + ": " + e.what());
    }
  }
}

task<int> later(int n) {
  co_await yield();
  co_return n;
}
task<> fails() {
  co_await yield();
  throw std::runtime_error("as it should");
}
async_generator<int> numbers(int count) {
  for (int i = 0; i < count; ++i) {
    co_await yield();
    co_yield i;
  }
}
async_generator<task<int>> operations(int count) {
  for (int i = 0; i < count; ++i) co_yield later(i);
}

void verbs(loop& here, verdict& seen) {
  attempt(seen, "run", [&] { (void)here.run(later(1)); });
  attempt(seen, "start", [&] { start(later(1), [](result<int>) {}); });
  attempt(seen, "start failing", [&] { start(fails(), [](result<void>) {}); });
  attempt(seen, "start sleep", [&] { start(sleep_for(1ns), [](result<void>) {}); });
  attempt(seen, "detach", [&] { detach(later(1)); });
  attempt(seen, "post", [&] { here.post([] {}); });
  attempt(seen, "spawn", [&] {
    auto chain = spawn(later(1)).then([](int n) { return later(n); }).then([](int) {}).finally([] {});
    here.run(std::move(chain));
  });
  attempt(seen, "catch_error", [&] { here.run(spawn(fails()).catch_error([](const error&) {})); });
  attempt(seen, "promise", [&] {
    promise<int> settled;
    auto waiting = settled.get_future();
    start(std::move(waiting), [](result<int>) {});
    settled.set_value(1);
  });
  attempt(seen, "broken promise", [&] {
    auto waiting = promise<int>().get_future();
    (void)here.run(as_result(std::move(waiting)));
  });
  attempt(seen, "fiber", [&] { (void)here.run(in_fiber([] { return await(later(1)); })); });
  attempt(seen, "request_stop", [&] {
    auto sleeping = spawn(sleep_for(1h));
    sleeping.request_stop();
    (void)here.run(as_result(std::move(sleeping)));
  });
  attempt(seen, "shared_task", [&] {
    shared_task<int> once = later(1);
    (void)here.run(when_all(once, once));
  });
  here.run();
}

void joins(loop& here, verdict& seen) {
  const auto several = [] {
    std::vector<task<int>> all;
    for (int i = 0; i < 3; ++i) all.push_back(later(i));
    return all;
  };
  attempt(seen, "when_all", [&] { (void)here.run(when_all(later(1), later(2))); });
  attempt(seen, "when_all of a range", [&] { (void)here.run(when_all(several())); });
  attempt(seen, "when_any", [&] { (void)here.run(when_any(later(1), sleep_for(1h))); });
  attempt(seen, "when_any of a range", [&] { (void)here.run(when_any(several())); });
  attempt(seen, "when_all_settled", [&] { (void)here.run(when_all_settled(several())); });
  attempt(seen, "first_ok", [&] { (void)here.run(first_ok(fails(), later(1))); });
  attempt(seen, "with_timeout", [&] { (void)here.run(as_result(with_timeout(sleep_for(1h), 1ns))); });
  attempt(seen, "retry", [&] {
    retry_policy policy;
    policy.attempts = 2;
    policy.base = 1ns;
    (void)here.run(as_result(retry(policy, fails)));
  });
  attempt(seen, "hedge", [&] { (void)here.run(hedge([] { return later(1); }, 1ns)); });
  attempt(seen, "finally", [&] { (void)here.run(finally(later(1), [] { return later(2); })); });
  attempt(seen, "with_scope", [&] {
    here.run(with_scope([](scope& within) -> task<> {
      auto child = within.spawn(later(1));
      (void)within.spawn([] { return later(2); });
      co_await std::move(child);
    }));
  });
  attempt(seen, "with_scope failing", [&] {
    (void)here.run(as_result(with_scope([](scope& within) {
      (void)within.spawn(fails);
      (void)within.spawn(sleep_for(1h));
    })));
  });
  attempt(seen, "map_concurrent", [&] {
    (void)here.run(map_concurrent(std::vector<int>{1, 2, 3}, 2, [](int n) { return later(n); }));
  });
  attempt(seen, "buffered", [&] {
    here.run([]() -> task<> {
      auto ahead = buffered(operations(4), 2);
      while (co_await ahead.next()) {}
    });
  });
  attempt(seen, "merge", [&] {
    here.run([]() -> task<> {
      auto merged = merge(numbers(2), numbers(2));
      while (co_await merged.next()) {}
    });
  });
}

void synchronisation(loop& here, verdict& seen) {
  attempt(seen, "channel", [&] {
    channel<int> through(1);
    auto sending = [&]() -> task<> {
      for (int i = 0; i < 3; ++i) co_await through.send(i);
      through.close();
    };
    auto receiving = [&]() -> task<> {
      while (co_await through.receive()) {}
    };
    (void)here.run(when_all(sending, receiving));
  });
  attempt(seen, "mutex and select", [&] {
    mutex door;
    channel<int> empty(1);
    here.run([&]() -> task<> {
      auto lock = co_await door.lock();
      (void)co_await as_result(with_timeout(door.lock(), 1ns));
      (void)co_await select(empty.receive(), sleep_for(1ns));
    });
  });
  attempt(seen, "event", [&] {
    event happened;
    (void)here.run(when_all(happened.wait(), [&]() -> task<> {
      happened.set();
      co_return;
    }));
  });
}

void more_synchronisation(loop& here, verdict& seen) {
  attempt(seen, "broadcast and watch", [&] {
    broadcast<std::string> all(2);
    auto each = all.subscribe();
    for (int i = 0; i < 4; ++i) all.send(std::string(100, 'x'));
    (void)here.run(each.receive());
    watch<std::string> latest(std::string(100, 'y'));
    auto reader = latest.read();
    (void)here.run(reader.receive());
  });
  attempt(seen, "semaphore, latch, barrier, once", [&] {
    semaphore permits(1);
    latch gate(2);
    barrier meeting(2);
    once first;
    const auto each = [&]() -> task<> {
      auto permit = co_await permits.acquire();
      gate.count_down();
      co_await first.call([] { return later(1); });
    };
    here.run(when_all(each(), each(), gate.wait()));
    here.run(when_all(meeting.arrive_and_wait(), meeting.arrive_and_wait()));
  });
}

void tracked(loop&, verdict& seen) {
  std::thread([&] {  // a thread for a second loop
    attempt(seen, "a loop that tracks", [&] {
      loop here(loop_options{.track_tasks = true});
      here.on_unhandled_error([](const error&) {});
      attempt(seen, "tracked", [&] {
        auto waits = spawn(when_all(later(1), sleep_for(1h)));
        (void)here.run(later(1));
        (void)format_tasks(dump_tasks(here));
        waits.request_stop();
        (void)here.run(as_result(std::move(waits)));
      });
    });
  })
      .join();
}

void datagrams(loop& here, verdict& seen) {
  attempt(seen, "udp", [&] {
    udp::socket to = here.run(udp::bind(endpoint::loopback()));
    udp::socket from = here.run(udp::bind(endpoint::loopback()));
    std::array<char, 8> room{};
    here.run(from.send_to("datagram", to.local_endpoint()));
    (void)here.run(to.receive_from(room));
  });
  attempt(seen, "incoming", [&] {
    const tcp::listener door = tcp::listen_now(endpoint::loopback());
    auto arriving = door.incoming();
    auto asking = [&]() -> task<> { (void)co_await tcp::connect(door.local_endpoint()); };
    (void)here.run(when_all(arriving.next(), asking));
  });
  attempt(seen, "resolve", [&] { (void)here.run(resolve("127.0.0.1", "80")); });
  attempt(seen, "write_file", [&] { here.run(write_file("/dev/null", std::string(100, 'x'))); });
}

void files_and_sockets(loop& here, verdict& seen) {
  attempt(seen, "open_file", [&] {
    (void)here.run(as_result(open_file("/no/such/folder/whose/name/is/rather/long/indeed")));
    std::array<char, 16> room{};
    const file zero = here.run(open_file("/dev/zero"));
    (void)here.run(zero.read_some(room));
    (void)here.run(as_result(here.run(open_file("/")).read_some(room)));
  });
  attempt(seen, "read_file", [&] { (void)here.run(read_file("/proc/self/status")); });
  attempt(seen, "tcp", [&] {
    const tcp::listener door = tcp::listen_now(endpoint::loopback());
    std::array<char, 4> room{};
    auto serving = [&]() -> task<> {
      tcp::stream peer = co_await door.accept();
      co_await peer.read_exactly(room);
      (void)co_await as_result(peer.read_exactly(room));  // the end of the stream
    };
    auto asking = [&]() -> task<> {
      tcp::stream peer = co_await tcp::connect(door.local_endpoint());
      co_await peer.write_all("four");
    };
    (void)here.run(when_all(serving, asking));
  });
  attempt(seen, "a read that is stopped", [&] {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return;
    file from = file::from_descriptor(ends[0]);
    file to = file::from_descriptor(ends[1]);
    std::array<char, 4> room{};
    (void)here.run(as_result(with_timeout(from.read_some(room), 1ns)));
  });
  attempt(seen, "offload", [&] { (void)here.run(offload([] { return 1; })); });
}

using part = void(loop&, verdict&);

// Runs the part on a new thread and loop, so that no memory kept by a pool hides a leak. Its n-th allocation
// fails.
struct outcome_of_run : verdict {
  bool failed = false;
};
outcome_of_run run_apart(part& what, std::size_t n = 0) {
  outcome_of_run seen;
  std::thread([&] {
    fail_allocation(n);
    attempt(seen, "loop", [&] {
      loop here;
      here.on_unhandled_error([&](const error& why) {
        if (!is_out_of_memory(why) && why.message() != "as it should")
          seen.add("unhandled: " + why.message());
      });
      attempt(seen, "run", [&] { what(here, seen); });
    });
    seen.failed = allocation_failed();
    fail_allocation(0);
  }).join();
  return seen;
}

// Fails every allocation once, until there are no more; returns how many there are.
std::size_t fail_each_once(part& what) {
  std::size_t n = 0;
  outcome_of_run seen;
  do {
    seen = run_apart(what, ++n);
    INFO("allocation " << n << ": " << seen.first);
    REQUIRE(seen.unexpected == 0);
  } while (seen.failed && n < 5000);
  REQUIRE_FALSE(seen.failed);
  return n;
}

// The first run allocates what is made once and kept.
void fail_each(part& what) {
  REQUIRE(run_apart(what).unexpected == 0);
  CHECK(fail_each_once(what) > 10);
  const std::size_t alive = allocations_alive();
  CHECK(fail_each_once(what) > 10);
  const std::size_t left = allocations_alive();
  CHECK(left <= alive);
}

}  // namespace

TEST_CASE("without memory: verbs fail as bad_alloc, or go on", "[without_memory]") {
  if (counts_allocations) fail_each(verbs);
}
TEST_CASE("without memory: joins and scopes fail as bad_alloc, or go on", "[without_memory]") {
  if (counts_allocations) fail_each(joins);
}
TEST_CASE("without memory: synchronisation fails as bad_alloc, or goes on", "[without_memory]") {
  if (counts_allocations) fail_each(synchronisation);
}
TEST_CASE("without memory: files and sockets fail as bad_alloc, or go on", "[without_memory]") {
  if (counts_allocations) fail_each(files_and_sockets);
}
TEST_CASE("without memory: more synchronisation fails as bad_alloc, or goes on", "[without_memory]") {
  if (counts_allocations) fail_each(more_synchronisation);
}
TEST_CASE("without memory: tracked tasks fail as bad_alloc, or go on", "[without_memory]") {
  if (counts_allocations) fail_each(tracked);
}
TEST_CASE("without memory: datagrams fail as bad_alloc, or go on", "[without_memory]") {
  if (counts_allocations) fail_each(datagrams);
}
