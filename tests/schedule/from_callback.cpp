#include "braid/schedule/from_callback.hpp"

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "braid/combine/when_any.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/sim/virtual_time.hpp"
#include "catch.hpp"
#include "every_style.hpp"
#include "recorder.hpp"
#include "schedule/kept_done.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

/// A C library that runs one job at a time and ends it by calling a function with a context pointer.
struct c_library {
  void (*on_end)(void* context, int code) = nullptr;
  void* context = nullptr;

  void begin(void (*f)(void*, int), void* with) { on_end = f, context = with; }
  void end(int code) { std::exchange(on_end, nullptr)(context, code); }
};

}  // namespace

TEST_CASE("from_callback: completes with the arguments of done, in every style",
          "[schedule][from_callback]") {
  IN_EVERY_STYLE(style);
  loop home;
  CHECK(style.wait(from_callback<int>([](auto done) { done(7); })).value() == 7);
  CHECK(style.wait(from_callback<void>([](auto done) { done(); })));
  CHECK(*style.wait(from_callback<std::unique_ptr<int>>([](auto done) { done(std::make_unique<int>(3)); }))
             .value() == 3);
  CHECK(style.wait(from_callback<int>([](auto done) { done(result<int>(4)); })).value() == 4);
  int n = 0;
  CHECK(&style.wait(from_callback<int&>([&](auto done) { done(n); })).value() == &n);
  CHECK(style.wait(from_callback<int>([](auto done) { done(std::errc::io_error); })).error() ==
        std::errc::io_error);
  CHECK(style.wait(from_callback<void>([](auto done) { done(std::make_error_code(std::errc::io_error)); }))
            .error() == std::errc::io_error);
  CHECK(style.wait(from_callback<void>([](auto done) { done(std::error_code()); })));  // no failure
  const auto fails = [](auto done) { done(std::make_exception_ptr(std::out_of_range("seven"))); };
  CHECK_THROWS_AS(style.wait(from_callback<int>(fails)).value(), std::out_of_range);
}

TEST_CASE("from_callback: takes a C library's context pointer", "[schedule][from_callback]") {
  loop home;
  c_library library;
  using done_type = callback_done<std::string>;
  const auto on_end = [](void* context, int code) {
    const std::unique_ptr<done_type> done(static_cast<done_type*>(context));
    if (code == 0)
      (*done)("found");
    else
      (*done)(std::error_code(code, std::generic_category()));
  };
  const auto ask = [&] {
    return from_callback<std::string>(
        [&](done_type done) { library.begin(on_end, new done_type(std::move(done))); });
  };
  auto good = spawn(ask());
  library.end(0);
  CHECK(home.run(std::move(good)) == "found");
  auto bad = spawn(ask());
  library.end(ENOENT);
  CHECK(home.run(as_result(std::move(bad))).error() == std::errc::no_such_file_or_directory);
}

TEST_CASE("from_callback: the loop goes on running until another thread has called done",
          "[schedule][from_callback][threads]") {
  loop home;
  int got = 0;
  std::thread::id finished_on;
  std::thread other;
  start(from_callback<int>([&](auto done) { other = std::thread([done] { done(9); }); }),
        [&](result<int> ended) {
          got = *ended;
          finished_on = std::this_thread::get_id();
        });
  home.run();  // returns, since no work is left
  CHECK(got == 9);
  CHECK(finished_on == std::this_thread::get_id());
  other.join();
}

TEST_CASE("from_callback: only the first call of done counts", "[schedule][from_callback]") {
  loop home;
  kept_done<int> kept;
  auto op = spawn(from_callback<int>(kept.taker()));
  const callback_done<int> copy = *kept.done;
  CHECK((*kept.done)(1));
  CHECK_FALSE(copy(2));
  CHECK_FALSE(copy(std::errc::io_error));
  CHECK(home.run(std::move(op)) == 1);
  CHECK_FALSE(copy(3));  // the operation has ended
}

TEST_CASE("from_callback: of calls of done on many threads only the first counts",
          "[schedule][from_callback][threads]") {
  loop home;
  for (int round = 0; round < 50; ++round) {
    std::vector<std::thread> callers;
    std::atomic<int> heard{0}, winner{-1};
    const int got = home.run(from_callback<int>([&](auto done) {
      for (int n = 0; n < 3; ++n)
        callers.emplace_back([&, done, n] {
          if (done(n)) ++heard, winner = n;
        });
    }));
    for (std::thread& each : callers) each.join();
    CHECK(heard == 1);
    CHECK(got == winner);
  }
}

TEST_CASE("from_callback: dropping every copy of done is broken_promise", "[schedule][from_callback]") {
  IN_EVERY_STYLE(style);
  loop home;
  const auto ended = style.wait(from_callback<int>([](auto) {}));
  CHECK(ended.error() == errc::broken_promise);
  CHECK(ended.error().message() == "from_callback: Broken promise");
  kept_done<int> kept;
  auto op = spawn(from_callback<int>(kept.taker()));
  kept.done.reset();
  CHECK(home.run(as_result(std::move(op))).error() == errc::broken_promise);
}

TEST_CASE("from_callback: an exception from f is its error, also after f has passed done on",
          "[schedule][from_callback]") {
  IN_EVERY_STYLE(style);
  loop home;
  const auto throws = [](auto) { throw std::out_of_range("no"); };
  CHECK_THROWS_AS(style.wait(from_callback<int>(throws)).value(), std::out_of_range);
  kept_done<int> kept;
  const auto hands_on = [&](callback_done<int> done) {
    kept.taker()(std::move(done));
    throw std::out_of_range("no");
  };
  CHECK_THROWS_AS(style.wait(from_callback<int>(hands_on)).value(), std::out_of_range);
  CHECK_FALSE((*kept.done)(1));
}

TEST_CASE("from_callback: a value whose constructor throws does not complete it",
          "[schedule][from_callback]") {
  struct picky {
    explicit picky(int n) {
      if (n == 0) throw std::invalid_argument("zero");
    }
  };
  loop home;
  CHECK(home.run(as_result(from_callback<picky>([](auto done) {
    CHECK_THROWS_AS(done(0), std::invalid_argument);
    CHECK(done(1));
  }))));
}

TEST_CASE("from_callback: without a loop it is a logic_error", "[schedule][from_callback]") {
  recorded op(from_callback<int>([](auto done) { done(1); }));
  op.start();
  REQUIRE(op.done());
  CHECK_THROWS_AS(op.result().value(), std::logic_error);
}

TEST_CASE("from_callback: can time out, lose races and stand in joins", "[schedule][from_callback]") {
  sim::virtual_time clock;
  IN_EVERY_STYLE(style);
  loop home;
  kept_done<int> kept;
  CHECK(style.wait(with_timeout(from_callback<int>(kept.taker()), 10ms)).error() == std::errc::timed_out);
  CHECK(style.wait(when_any(from_callback<int>(kept.taker()), sleep_for(1ms))).value().index == 1);
}
