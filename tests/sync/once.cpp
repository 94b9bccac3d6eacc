#include "braid/sync/once.hpp"

#include <stdexcept>

#include "braid/combine/when_all.hpp"
#include "braid/core/just.hpp"
#include "braid/schedule/yield.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;

TEST_CASE("once: runs its function once", "[sync][once]") {
  IN_EVERY_STYLE(style);
  once opened;
  loop here;
  int times = 0;
  const auto opens = [&]() -> task<> {
    co_await yield();
    ++times;
  };
  CHECK(style.wait(opened.call(opens)));
  CHECK(style.wait(opened.call(opens)));
  CHECK(times == 1);
  CHECK(opened.is_done());
}

TEST_CASE("once: other callers wait until it has run", "[sync][once]") {
  once opened;
  bool open = false;
  int early = 0;
  const auto opens = [&]() -> task<> {
    co_await yield();
    co_await yield();
    open = true;
  };
  const auto uses = [&]() -> task<> {
    co_await opened.call(opens);
    early += !open;
  };
  run(when_all(uses(), uses(), uses()));
  CHECK(early == 0);
}

TEST_CASE("once: a failing caller gets the error, and the next one tries again", "[sync][once]") {
  once opened;
  loop here;
  int tries = 0;
  const auto opens = [&]() -> task<> {
    co_await yield();
    if (++tries < 3) throw std::runtime_error("not yet");
  };
  const auto one = [&] { return as_result(opened.call(opens)); };
  const auto [first, second, third, fourth] = here.run(when_all(one(), one(), one(), one()));
  CHECK((!first && !second && third && fourth));
  CHECK(first.error().message() == "not yet");
  CHECK(tries == 3);
}

TEST_CASE("once: can be stopped at each suspension", "[sync][once][stop]") {
  every_cancellation([]() -> task<> {
    once opened;
    int times = 0;
    const auto opens = [&]() -> task<> {
      co_await yield();
      co_await yield();
      ++times;
    };
    co_await when_all(opened.call(opens), opened.call(opens), opened.call(opens));
    CHECK(times == 1);
  });
}
