#include "braid/loop/detail/inbox.hpp"

#include <atomic>
#include <thread>
#include <vector>

#include "braid/loop/reactor.hpp"
#include "catch.hpp"

namespace {

using namespace braid;

struct message : operation_base {
  explicit message(int v = 0, int t = 0) : operation_base(on_finish), value(v), thread(t) {}
  static void on_finish(operation_base&, completion) noexcept {}
  int value, thread;
};

// Finishes an operation without a loop.
struct arrival : reactor {
  static void at(operation_base& operation) noexcept { finish(operation, {}); }
};

std::vector<message*> drain(braid::detail::inbox& from) {
  operation_base::queue ready;
  from.drain_into(ready);
  std::vector<message*> all;
  while (!ready.empty()) {
    all.push_back(static_cast<message*>(&ready.pop_front()));
    arrival::at(*all.back());
  }
  return all;
}

TEST_CASE("inbox: appends its messages in order to the ready operations", "[loop][inbox]") {
  braid::detail::inbox in;
  message first, a, b, c;
  CHECK(in.empty());
  for (message* each : {&a, &b, &c}) CHECK_FALSE(in.push(*each));
  CHECK_FALSE(in.empty());
  CHECK(a.in_flight());

  operation_base::queue ready;
  ready.push_back(first);
  in.drain_into(ready);
  CHECK(in.empty());
  std::vector<operation_base*> order;
  while (!ready.empty()) order.push_back(&ready.pop_front());
  CHECK(order == std::vector<operation_base*>{&first, &a, &b, &c});
  for (message* each : {&a, &b, &c}) arrival::at(*each);
}

TEST_CASE("inbox: only the first message to a sleeping loop wakes it", "[loop][inbox]") {
  braid::detail::inbox in;
  message a, b, c;
  CHECK(in.fall_asleep());
  CHECK(in.fall_asleep());  // the loop is still asleep
  CHECK(in.empty());
  CHECK(in.push(a));
  CHECK_FALSE(in.push(b));
  CHECK_FALSE(in.fall_asleep());
  CHECK(drain(in) == std::vector<message*>{&a, &b});
  CHECK_FALSE(in.push(c));
  CHECK(drain(in) == std::vector<message*>{&c});
}

TEST_CASE("inbox: draining it ends the sleep", "[loop][inbox]") {
  braid::detail::inbox in;
  message a;
  CHECK(in.fall_asleep());
  CHECK(drain(in).empty());
  CHECK_FALSE(in.push(a));
  CHECK(drain(in).size() == 1);
}

TEST_CASE("inbox: waits for the thread that must wake the loop, and for no other", "[loop][inbox][threads]") {
  braid::detail::inbox in;
  message a, b, c;
  in.await_wakers();
  CHECK_FALSE(in.push(a));
  drain(in);
  in.await_wakers();
  CHECK(in.fall_asleep());
  CHECK(in.push(b));
  CHECK_FALSE(in.push(c));
  CHECK_FALSE(in.fall_asleep());  // the loop must drain the inbox first; asking changes nothing
  drain(in);
  bool woke = false;
  std::thread waker([&] {
    for (int n = 0; n < 1000; ++n) std::this_thread::yield();
    woke = true;
    in.woken();
  });
  in.await_wakers();
  CHECK(woke);
  waker.join();
}

TEST_CASE("inbox: loses no message and keeps the order of each thread", "[loop][inbox][threads]") {
  constexpr int senders = 3, each_sends = 20'000;
  braid::detail::inbox in;
  std::atomic<int> wakes{0};
  std::vector<std::vector<message>> messages;
  for (int t = 0; t < senders; ++t) {
    messages.emplace_back(each_sends);
    for (int n = 0; n < each_sends; ++n) {
      messages.back()[static_cast<std::size_t>(n)].value = n;
      messages.back()[static_cast<std::size_t>(n)].thread = t;
    }
  }
  std::vector<std::thread> threads;
  for (auto& mine : messages)
    threads.emplace_back([&] {
      for (message& each : mine)
        if (in.push(each)) {
          ++wakes;
          wakes.notify_one();
        }
    });
  // The reader sleeps whenever it may, so a lost wake-up hangs the test.
  std::vector<int> next(senders, 0);
  bool in_order = true;
  int sleeps = 0;
  for (int received = 0; received < senders * each_sends;) {
    if (in.fall_asleep()) wakes.wait(sleeps++);
    for (message* each : drain(in)) {
      in_order = in_order && each->value == next[static_cast<std::size_t>(each->thread)]++;
      ++received;
    }
  }
  for (std::thread& each : threads) each.join();
  CHECK(in_order);
  CHECK(wakes == sleeps);
  CHECK(in.empty());
}

}  // namespace
