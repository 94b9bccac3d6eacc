#include "braid/sync/shared_mutex.hpp"

#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/schedule/yield.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;

TEST_CASE("shared_mutex: readers share it, and a writer is alone", "[sync][shared_mutex]") {
  IN_EVERY_STYLE(style);
  shared_mutex book;
  loop here;
  {
    const auto one = style.wait(book.lock_shared()), other = style.wait(book.lock_shared());
    REQUIRE((one && other));
    CHECK_FALSE(book.try_lock());
  }
  CHECK_FALSE(book.is_locked());
  const auto writer = style.wait(book.lock());
  REQUIRE(writer);
  CHECK_FALSE(book.try_lock_shared());
  CHECK_FALSE(book.try_lock());
}

TEST_CASE("shared_mutex: admits waiters in order; neither readers nor writers starve",
          "[sync][shared_mutex]") {
  shared_mutex book;
  loop here;
  std::string order;
  const auto reads = [&](char name) -> task<> {
    const auto mine = co_await book.lock_shared();
    order += name;
    co_await yield();
    co_await yield();
  };
  const auto writes = [&](char name) -> task<> {
    const auto mine = co_await book.lock();
    order += name;
    co_await yield();
  };
  here.run(when_all(reads('a'), reads('b'), writes('C'), reads('d'), reads('e'), writes('F'), reads('g')));
  CHECK(order == "abCdeFg");
  CHECK_FALSE(book.is_locked());
}

TEST_CASE("shared_mutex: a writer that gives up admits the readers behind it", "[sync][shared_mutex][stop]") {
  shared_mutex book;
  loop here;
  auto reading = book.try_lock_shared();
  auto writer = spawn(book.lock());
  auto reader = spawn(book.lock_shared());
  here.run(yield());
  CHECK_FALSE(reader.is_ready());
  SECTION("by a stop request") { writer.request_stop(); }
  SECTION("by the end of the earlier readers") { reading.reset(); }
  {
    const auto written = here.run(as_result(std::move(writer)));
    CHECK(written.has_value() == !reading.has_value());
  }
  CHECK(here.run(std::move(reader)).owns_lock());
}

TEST_CASE("shared_mutex: a downgrade lets no writer in between", "[sync][shared_mutex]") {
  IN_EVERY_CONCURRENT_STYLE(style);
  shared_mutex book;
  loop here;
  auto writing = style.wait(book.lock());
  REQUIRE(writing);
  auto writer = spawn(book.lock());
  auto reader = spawn(book.lock_shared());
  here.run(yield());
  {
    const auto reading = std::move(*writing).downgrade();
    CHECK(reading.owns_lock());
    CHECK_FALSE(writing->owns_lock());
    CHECK_THROWS_AS(std::move(*writing).downgrade(), std::logic_error);
    here.run(yield());
    CHECK_FALSE(writer.is_ready());
    CHECK_FALSE(reader.is_ready());  // it came after the writer
    CHECK_FALSE(book.try_lock_shared());
  }
  CHECK(here.run(std::move(writer)).owns_lock());
  CHECK(here.run(std::move(reader)).owns_lock());
  CHECK_FALSE(book.is_locked());
}

TEST_CASE("shared_mutex: a downgrade admits the readers that no writer precedes", "[sync][shared_mutex]") {
  shared_mutex book;
  loop here;
  auto writing = book.try_lock();
  auto first = spawn(book.lock_shared()), second = spawn(book.lock_shared());
  auto writer = spawn(book.lock());
  auto last = spawn(book.lock_shared());
  here.run(yield());
  {
    const auto reading = std::move(*writing).downgrade();
    CHECK(here.run(std::move(first)).owns_lock());
    CHECK(here.run(std::move(second)).owns_lock());
    CHECK_FALSE(writer.is_ready());
    CHECK_FALSE(last.is_ready());
    SECTION("until the reader unlocks") {}
    SECTION("until the writer gives up") {
      writer.request_stop();
      CHECK(here.run(std::move(last)).owns_lock());
      return;
    }
  }
  CHECK(here.run(std::move(writer)).owns_lock());
  CHECK(here.run(std::move(last)).owns_lock());
}

TEST_CASE("shared_mutex: locks, stops and downgrades agree with a model", "[sync][shared_mutex][property]") {
  std::mt19937 random(1);
  const auto up_to = [&](std::size_t most) { return random() % (most + 1); };
  int wrong = 0;
  for (int program = 0; program < 2'000; ++program) {
    loop here;
    shared_mutex book;
    struct operation {
      stop_source stop;
      std::string state = "waits";
      std::optional<shared_mutex::scoped_lock> written;
      std::optional<shared_mutex::shared_lock> read;
    };
    std::vector<std::unique_ptr<operation>> operations;
    std::vector<std::string> states;  // by the model
    std::vector<bool> writes;
    std::vector<std::size_t> line;
    std::size_t readers = 0, writers = 0;
    const auto admit = [&] {
      while (!line.empty() && writers == 0 && (!writes[line.front()] || readers == 0)) {
        ++(writes[line.front()] ? writers : readers);
        states[line.front()] = "holds";
        line.erase(line.begin());
      }
    };
    for (std::size_t steps = up_to(40); steps > 0; --steps) {
      const std::size_t which = operations.empty() ? 0 : up_to(operations.size() - 1);
      const std::size_t what = up_to(9);
      if (what < 4 || operations.empty()) {
        operations.push_back(std::make_unique<operation>());
        operation& mine = *operations.back();
        writes.push_back(up_to(1) == 0);
        states.emplace_back("waits");
        line.push_back(states.size() - 1);
        admit();
        const auto begin = [&](auto op, auto& into) {
          start(with_stop_token(std::move(op), mine.stop.get_token()), [&mine, &into](auto ended) {
            mine.state = ended ? "holds" : "stopped";
            if (ended) into.emplace(*std::move(ended));
          });
        };
        if (writes.back())
          begin(book.lock(), mine.written);
        else
          begin(book.lock_shared(), mine.read);
      } else if (what == 4) {
        operations[which]->stop.request_stop();
        if (std::erase(line, which) != 0) states[which] = "stopped";
        admit();
      } else if (what == 5) {
        here.run(yield());
      } else {
        here.run();  // a lock on its way to its waiter arrives
        operation& mine = *operations[which];
        if (what < 8 && mine.written) {
          mine.read.emplace(std::move(*mine.written).downgrade());
          mine.written.reset();
          --writers, ++readers;
        } else if (mine.written || mine.read) {
          mine.written ? --writers : --readers;
          mine.written.reset();
          mine.read.reset();
        }
        admit();
      }
    }
    here.run();
    for (std::size_t i = 0; i < states.size(); ++i) wrong += operations[i]->state != states[i];
    for (auto& each : operations) each->stop.request_stop();
    here.run();
    operations.clear();
    wrong += book.is_locked();
  }
  CHECK(wrong == 0);
}

TEST_CASE("shared_mutex: can be stopped at each suspension", "[sync][shared_mutex][stop]") {
  every_cancellation([]() -> task<> {
    shared_mutex book;
    int written = 0;
    const auto reads = [&]() -> task<> {
      const auto mine = co_await book.lock_shared();
      const int seen = written;
      co_await yield();
      CHECK(written == seen);
    };
    const auto writes = [&]() -> task<> {
      const auto mine = co_await book.lock();
      ++written;
      co_await yield();
      ++written;
    };
    const auto writes_and_reads = [&]() -> task<> {
      auto writing = co_await book.lock();
      const int mine = ++written;
      co_await yield();
      const auto reading = std::move(writing).downgrade();
      co_await yield();
      CHECK(written == mine);
    };
    co_await when_all(writes(), reads(), writes_and_reads(), reads(), writes(), reads());
    CHECK(written == 5);
    CHECK_FALSE(book.is_locked());
  });
}
