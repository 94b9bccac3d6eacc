// Every way in which an error can be left without a waiter. Each such error reaches the loop's
// unhandled-error handler exactly once, with the stack of where it began.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "braid/core/just.hpp"
#include "braid/loop/nop.hpp"
#include "braid/schedule/offload.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/fiber.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"

using namespace braid;
using namespace braid_tests;

namespace {

using lines = std::vector<std::uint32_t>;

constexpr std::uint32_t line_here(std::source_location where = std::source_location::current()) {
  return where.line();
}

// What the handler got: the error's message and the lines of its stack.
struct report {
  std::string message;
  lines stack;
  bool operator==(const report&) const = default;
};

// All that the loop's handler gets while f's work runs to its end, and until the loop is destroyed.
template <class F>
std::vector<report> reports_of(F f) {
  std::vector<report> all;
  {
    loop here;
    here.on_unhandled_error([&](const error& why) {
      lines stack;
      for (const std::source_location& where : why.stack()) stack.push_back(where.line());
      all.push_back({why.message(), std::move(stack)});
    });
    f(here);
    here.run();
  }
  return all;
}

std::uint32_t await_line;

task<> fails() {
  await_line = line_here() + 1;
  co_await nop();
  throw std::runtime_error("alone");
}

// Its destructor throws unless the value was moved from.
struct bad_at_its_end {
  explicit bad_at_its_end() = default;
  bad_at_its_end(bad_at_its_end&& other) noexcept : armed(std::exchange(other.armed, false)) {}
  bad_at_its_end& operator=(bad_at_its_end&&) = delete;
  ~bad_at_its_end() noexcept(false) {
    if (armed) throw std::runtime_error("at its end");
  }
  bool armed = true;
};

task<bad_at_its_end> makes_one() {
  co_await yield();
  co_return bad_at_its_end();
}

}  // namespace

TEST_CASE("unhandled: the exception of a detached task is reported", "[unhandled][detach]") {
  std::uint32_t line = 0;
  const auto all = reports_of([&](loop&) {
    line = line_here() + 1;
    detach(fails());
  });
  CHECK(all == std::vector<report>{{"alone", {await_line, line}}});
}

TEST_CASE("unhandled: the error of a detached operation without a coroutine is reported",
          "[unhandled][detach]") {
  std::uint32_t line = 0;
  const auto all = reports_of([&](loop&) {
    line = line_here() + 1;
    detach(just_error<int>(error(std::make_error_code(std::errc::io_error), "write_all", "/spool")));
  });
  CHECK(all == std::vector<report>{{"write_all /spool: Input/output error", {line}}});
}

TEST_CASE("unhandled: the exception of a detached fiber is reported", "[unhandled][detach][fiber]") {
  std::uint32_t line = 0, own_line = 0;
  const auto all = reports_of([&](loop&) {
    line = line_here() + 1;
    detach(in_fiber([&] {
      own_line = line_here() + 1;
      await(fails());
    }));
  });
  CHECK(all == std::vector<report>{{"alone", {await_line, own_line, line}}});
}

TEST_CASE("unhandled: the exception of a detached function on the blocking pool is reported",
          "[unhandled][detach][offload]") {
  std::uint32_t line = 0;
  const auto all = reports_of([&](loop&) {
    line = line_here() + 1;
    detach(offload([] { throw std::runtime_error("on the pool"); }));
  });
  CHECK(all == std::vector<report>{{"on the pool", {line}}});
}

TEST_CASE("unhandled: the error of a future that is dropped before or after it is reported",
          "[unhandled][future]") {
  std::uint32_t line = 0;
  const auto before = reports_of([&](loop&) {
    line = line_here() + 1;
    { auto dropped = spawn(fails()); }
  });
  CHECK(before == std::vector<report>{{"alone", {await_line, line}}});
  const auto after = reports_of([&](loop& here) {
    line = line_here() + 1;
    auto dropped = spawn(fails());
    here.run();
  });
  CHECK(after == std::vector<report>{{"alone", {await_line, line}}});
}

TEST_CASE("unhandled: the error of a future that another thread drops is reported on the loop's thread",
          "[unhandled][future]") {
  std::uint32_t line = 0;
  const auto all = reports_of([&](loop& here) {
    line = line_here() + 1;
    auto running = spawn(fails());
    here.run();
    std::thread([dropped = std::move(running)] {}).join();
  });
  CHECK(all == std::vector<report>{{"alone", {await_line, line}}});
}

TEST_CASE("unhandled: an error that the steps of a dropped chain pass on is reported",
          "[unhandled][future]") {
  std::uint32_t line = 0;
  bool called = false;
  const auto all = reports_of([&](loop&) {
    line = line_here() + 1;
    auto dropped = spawn(fails()).then([&] { called = true; }).finally([] {}).then([&] { called = true; });
  });
  CHECK(all == std::vector<report>{{"alone", {await_line, line}}});
  CHECK_FALSE(called);
}

TEST_CASE("unhandled: the exception of a dropped chain's step is reported, with where it was attached",
          "[unhandled][future]") {
  std::uint32_t line = 0;
  const auto all = reports_of([&](loop&) {
    auto first = spawn(nop());
    line = line_here() + 1;
    auto dropped = std::move(first).then([] { throw std::runtime_error("in the step"); });
  });
  CHECK(all == std::vector<report>{{"in the step", {line}}});
}

TEST_CASE("unhandled: the error of an operation of a dropped chain's step is reported",
          "[unhandled][future]") {
  std::uint32_t line = 0;
  const auto all = reports_of([&](loop&) {
    line = line_here() + 1;
    auto dropped = spawn(nop()).then([] { return fails(); });
  });
  CHECK(all == std::vector<report>{{"alone", {await_line, line}}});
}

TEST_CASE("unhandled: an exception of catch_error in a dropped chain is reported, the handled error is not",
          "[unhandled][future]") {
  std::uint32_t line = 0;
  const auto all = reports_of([&](loop&) {
    line = line_here() + 1;
    auto dropped = spawn(fails()).catch_error([](const error&) { throw std::runtime_error("worse"); });
    auto mended = spawn(fails()).catch_error([](const error&) {});
  });
  CHECK(all == std::vector<report>{{"worse", {line}}});
}

TEST_CASE("unhandled: the error of a promise with a dropped future is reported, with where it was made",
          "[unhandled][promise]") {
  std::uint32_t line = 0;
  const auto all = reports_of([&](loop&) {
    line = line_here() + 1;
    promise<int> made;
    { auto dropped = made.get_future(); }
    made.set_error(error(std::make_error_code(std::errc::io_error), "send", "10.0.0.1:80"));
  });
  CHECK(all == std::vector<report>{{"send 10.0.0.1:80: Input/output error", {line}}});
}

TEST_CASE("unhandled: the exception of a handler is reported, whenever the operation ends",
          "[unhandled][start]") {
  std::uint32_t line = 0;
  const auto all = reports_of([&](loop&) {
    line = line_here() + 1;
    start(just(1), [](result<int>) { throw std::runtime_error("at once"); });
    start(nop(), [](result<void>) { throw std::runtime_error("later"); });
  });
  CHECK(all == std::vector<report>{{"at once", {line}}, {"later", {line + 1}}});
}

TEST_CASE("unhandled: an error that a handler rethrows keeps its stack", "[unhandled][start]") {
  std::uint32_t line = 0;
  const auto all = reports_of([&](loop&) {
    line = line_here() + 1;
    start(fails(), [](result<void> ended) { ended.value(); });
  });
  CHECK(all == std::vector<report>{{"alone", {await_line, line}}});
}

TEST_CASE("unhandled: the exception of a posted function is reported", "[unhandled][post]") {
  const auto all = reports_of([](loop& here) { here.post([] { throw std::runtime_error("posted"); }); });
  CHECK(all == std::vector<report>{{"posted", {}}});
}

TEST_CASE("unhandled: the exception of a dropped value's destructor is reported", "[unhandled][destructor]") {
  const std::vector<report> once{{"at its end", {}}};
  CHECK(reports_of([](loop&) { detach(makes_one()); }) == once);
  CHECK(reports_of([](loop&) { start(makes_one(), [](result<bad_at_its_end>) {}); }) == once);
  CHECK(reports_of([](loop&) { auto dropped = spawn(makes_one()); }) == once);
  CHECK(reports_of([](loop& here) {
          auto dropped = spawn(makes_one());
          here.run();
        }) == once);
}

TEST_CASE("unhandled: an exception of a local's destructor is the task's failure",
          "[unhandled][destructor]") {
  std::uint32_t line = 0, own_line = 0;
  const auto all = reports_of([&](loop&) {
    line = line_here() + 1;
    detach([&]() -> task<int> {
      const bad_at_its_end local;
      own_line = line_here() + 1;
      co_await yield();
      co_return 1;
    });
  });
  CHECK(all == std::vector<report>{{"at its end", {own_line, line}}});
}

TEST_CASE("unhandled: a cancellation without a stop request is reported, whatever it ends", "[unhandled]") {
  const auto all = reports_of([](loop& here) {
    detach(just_error<int>(std::errc::operation_canceled));
    auto dropped = spawn(just_error<int>(std::errc::operation_canceled));
    start(nop(),
          [](result<void>) { throw std::system_error(std::make_error_code(std::errc::operation_canceled)); });
    here.post([] { throw std::system_error(std::make_error_code(std::errc::operation_canceled)); });
  });
  CHECK(all.size() == 4);
}

TEST_CASE("unhandled: a handler may set another one, and is destroyed once it has returned", "[unhandled]") {
  std::vector<std::string> messages;
  loop here;
  here.on_unhandled_error([&, own = std::make_unique<std::string>("first")](const error&) {
    here.on_unhandled_error([&](const error&) { messages.push_back("second"); });
    messages.push_back(*own);
  });
  detach(fails());
  detach(fails());
  here.run();
  CHECK(messages == std::vector<std::string>{"first", "second"});
}

TEST_CASE("unhandled: a handler of unhandled errors may cause another unhandled error", "[unhandled]") {
  std::vector<std::string> messages;
  loop here;
  here.on_unhandled_error([&](const error& why) {
    messages.push_back(why.message());
    if (messages.size() < 3) detach(fails());
  });
  detach(fails());
  here.run();
  CHECK(messages == std::vector<std::string>{"alone", "alone", "alone"});
}
