#include "braid/sync/shared_mutex.hpp"

#include <string>
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
    co_await when_all(writes(), reads(), reads(), writes(), reads());
    CHECK(written == 4);
    CHECK_FALSE(book.is_locked());
  });
}
