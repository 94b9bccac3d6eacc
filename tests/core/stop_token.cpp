#include "braid/core/stop_token.hpp"

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "catch.hpp"

namespace {

using namespace braid;

TEST_CASE("stop_token: a token without a source is never stopped", "[core][stop_token]") {
  const stop_token none;
  CHECK_FALSE(none.stop_possible());
  CHECK_FALSE(none.stop_requested());
  int calls = 0;
  auto count = [&]() noexcept { ++calls; };
  { stop_callback callback(none, count); }
  CHECK(calls == 0);
  CHECK(none == stop_token());
}

TEST_CASE("stop_source: makes the request once, and every token sees it", "[core][stop_token]") {
  stop_source source;
  const stop_token token = source.get_token();
  const stop_token copy = token;
  CHECK(copy == token);
  CHECK(token.stop_possible());
  CHECK_FALSE(token.stop_requested());
  CHECK(source.request_stop());
  CHECK_FALSE(source.request_stop());
  CHECK(token.stop_requested());
  CHECK(copy.stop_requested());
  CHECK(source.stop_requested());
}

TEST_CASE("stop_callback: runs once, within the request", "[core][stop_token]") {
  stop_source source;
  int first = 0, second = 0;
  auto count_first = [&]() noexcept { ++first; };
  auto count_second = [&]() noexcept { ++second; };
  stop_callback a(source.get_token(), count_first);
  stop_callback b(source.get_token(), count_second);
  CHECK(first + second == 0);
  source.request_stop();
  CHECK(first == 1);
  CHECK(second == 1);
  source.request_stop();
  CHECK(first + second == 2);
}

TEST_CASE("stop_callback: runs in its constructor if stop was requested already", "[core][stop_token]") {
  stop_source source;
  source.request_stop();
  int calls = 0;
  auto count = [&]() noexcept { ++calls; };
  stop_callback callback(source.get_token(), count);
  CHECK(calls == 1);
}

TEST_CASE("stop_callback: callbacks run in the reverse order of attachment", "[core][stop_token]") {
  stop_source source;
  std::vector<int> order;
  order.reserve(3);
  auto note = [&](int n) { return [&order, n]() noexcept { order.push_back(n); }; };
  stop_callback a(source.get_token(), note(1));
  stop_callback b(source.get_token(), note(2));
  stop_callback c(source.get_token(), note(3));
  source.request_stop();
  CHECK(order == std::vector{3, 2, 1});
}

TEST_CASE("stop_callback: a destroyed callback does not run, at any place in the list",
          "[core][stop_token]") {
  const int leaver = GENERATE(0, 1, 2);
  stop_source source;
  std::array<int, 3> calls{};
  auto count = [&](int n) { return [&calls, n]() noexcept { ++calls[static_cast<std::size_t>(n)]; }; };
  using callback = stop_callback<decltype(count(0))>;
  std::array<std::optional<callback>, 3> callbacks;
  for (int n = 0; n < 3; ++n) callbacks[static_cast<std::size_t>(n)].emplace(source.get_token(), count(n));
  callbacks[static_cast<std::size_t>(leaver)].reset();
  source.request_stop();
  for (int n = 0; n < 3; ++n) CHECK(calls[static_cast<std::size_t>(n)] == (n == leaver ? 0 : 1));
}

TEST_CASE("stop_callback: may destroy itself while it runs", "[core][stop_token]") {
  stop_source source;
  int calls = 0;
  struct remover {
    std::optional<stop_callback<remover>>* self;
    int* calls;
    void operator()() const noexcept {
      int* counter = calls;  // the captures are destroyed with the callback
      self->reset();
      ++*counter;
    }
  };
  std::optional<stop_callback<remover>> callback;
  callback.emplace(source.get_token(), remover{&callback, &calls});
  auto count = [&]() noexcept { ++calls; };
  stop_callback other(source.get_token(), count);
  source.request_stop();
  CHECK(calls == 2);
  CHECK_FALSE(callback);
}

TEST_CASE("stop_callback: may destroy another callback, which then does not run", "[core][stop_token]") {
  stop_source source;
  int calls = 0;
  auto count = [&]() noexcept { ++calls; };
  std::optional<stop_callback<decltype(count)>> victim;
  victim.emplace(source.get_token(), count);
  auto remove = [&]() noexcept { victim.reset(); };
  stop_callback remover(source.get_token(), remove);  // attached last, runs first
  source.request_stop();
  CHECK(calls == 0);
}

TEST_CASE("stop_callback: may attach another callback, which runs too", "[core][stop_token]") {
  stop_source source;
  int calls = 0;
  auto count = [&]() noexcept { ++calls; };
  std::optional<stop_callback<decltype(count)>> late;
  auto attach = [&]() noexcept { late.emplace(source.get_token(), count); };
  stop_callback attacher(source.get_token(), attach);
  source.request_stop();
  CHECK(calls == 1);
}

TEST_CASE("stop_callback: a stop request from within a callback returns false", "[core][stop_token]") {
  stop_source source;
  std::optional<bool> second;
  auto again = [&]() noexcept { second = source.request_stop(); };
  stop_callback callback(source.get_token(), again);
  CHECK(source.request_stop());
  CHECK(second == false);
}

TEST_CASE("stop_callback: its destructor waits for a run on another thread", "[core][stop_token][threads]") {
  stop_source source;
  std::atomic<bool> runs{false}, leaving{false};
  bool ended = false;  // not atomic on purpose: the destructor must order the accesses
  auto slow = [&]() noexcept {
    runs = true;
    runs.notify_one();
    leaving.wait(false);
    for (int n = 0; n < 1000; ++n) std::this_thread::yield();  // a destructor must not overtake this
    ended = true;
  };
  std::optional<stop_callback<decltype(slow)>> callback;
  callback.emplace(source.get_token(), slow);
  std::thread stopper([&] { source.request_stop(); });
  runs.wait(false);
  leaving = true;
  leaving.notify_one();
  callback.reset();
  CHECK(ended);
  stopper.join();
}

TEST_CASE("stop_source: only one of many threads makes the request", "[core][stop_token][threads]") {
  stop_source source;
  int calls = 0;
  auto count = [&]() noexcept { ++calls; };
  stop_callback callback(source.get_token(), count);
  std::atomic<int> made{0};
  std::vector<std::thread> threads;
  for (int n = 0; n < 4; ++n)
    threads.emplace_back([&] {
      if (source.request_stop()) ++made;
    });
  for (std::thread& each : threads) each.join();
  CHECK(made == 1);
  CHECK(calls == 1);
}

// Each callback either runs once, or its owner finds that stop has been requested.
TEST_CASE("stop_source: threads attach and destroy callbacks while stop is requested",
          "[core][stop_token][threads]") {
  bool each_at_most_once = true, none_forgotten = true;
  for (int round = 0; round < 200; ++round) {
    stop_source source;
    std::atomic<int> ready{0};
    std::vector<std::thread> threads;
    std::atomic<bool> once{true}, remembered{true};
    for (int n = 0; n < 3; ++n)
      threads.emplace_back([&] {
        ++ready;
        for (int step = 0; step < 50; ++step) {
          std::atomic<int> calls{0};
          const bool before = source.stop_requested();
          auto count = [&]() noexcept { ++calls; };
          { stop_callback callback(source.get_token(), count); }
          if (calls > 1) once = false;
          if (before && calls != 1) remembered = false;
        }
      });
    while (ready < 2) std::this_thread::yield();
    source.request_stop();
    for (std::thread& each : threads) each.join();
    each_at_most_once = each_at_most_once && once;
    none_forgotten = none_forgotten && remembered;
  }
  CHECK(each_at_most_once);
  CHECK(none_forgotten);
}

TEST_CASE("stop_source: a callback may destroy the source and itself", "[core][stop_token]") {
  auto source = std::make_unique<stop_source>();
  struct ends_all {
    std::unique_ptr<stop_source>& source;
    std::optional<stop_callback<ends_all>>& self;
    void operator()() const noexcept {
      auto& ended = source;
      self.reset();
      ended.reset();
    }
  };
  std::optional<stop_callback<ends_all>> last;
  last.emplace(source->get_token(), ends_all{source, last});
  CHECK(source->request_stop());
  CHECK(source == nullptr);
  CHECK_FALSE(last.has_value());
}

TEST_CASE("stop_source: a nested request is complete before it returns", "[core][stop_token]") {
  constexpr std::size_t levels = 10'000;
  stop_source outermost;
  struct level {
    stop_source next;
    std::size_t after = 0;
  };
  std::vector<std::unique_ptr<level>> all;
  struct on_stop {
    std::vector<std::unique_ptr<level>>& all;
    std::size_t number;
    void operator()() const noexcept {
      all[number]->next.request_stop();
      all[number]->after = number + 1 < all.size() ? all[number + 1]->after + 1 : 1;
    }
  };
  std::vector<std::unique_ptr<stop_callback<on_stop>>> callbacks;
  for (std::size_t n = 0; n < levels; ++n) {
    all.push_back(std::make_unique<level>());
    stop_source& above = n == 0 ? outermost : all[n - 1]->next;
    callbacks.push_back(std::make_unique<stop_callback<on_stop>>(above.get_token(), on_stop{all, n}));
  }
  outermost.request_stop();
  CHECK(all.front()->after == levels);
  callbacks.clear();
}

}  // namespace
