#include "braid/style/detail/foreign_awaiter.hpp"

#include <atomic>
#include <coroutine>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#include "braid/combine/when_all.hpp"
#include "braid/schedule/resume_on.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "loop_thread.hpp"
#include "stack/small_stack.hpp"

// Awaitables of other libraries, which know nothing of loops.

using namespace braid;
using namespace braid_tests;

namespace {

// Resumes its awaiter on another thread.
struct on_a_thread {
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> awaiting) {
    thread = std::thread([this, awaiting] {
      value = 5;
      awaiting.resume();
    });
  }
  int await_resume() {
    thread.join();
    return value;
  }
  std::thread thread{};
  int value = 0;
};

struct with_operator {
  on_a_thread operator co_await() && noexcept { return {}; }
};

// Keeps the coroutine's handle for the test.
struct kept {
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> awaiting) const noexcept { where = awaiting; }
  void await_resume() const noexcept {}
  std::coroutine_handle<>& where;
};

task<bool> stays_here() {
  const auto here = std::this_thread::get_id();
  on_a_thread foreign;
  const int value = co_await foreign;
  co_return value == 5 && std::this_thread::get_id() == here;
}

}  // namespace

TEST_CASE("foreign awaitable: a task resumed on another thread goes on on its home loop",
          "[style][threads]") {
  loop home;
  CHECK(home.run(stays_here()));
  CHECK(home.run([]() -> task<int> { co_return co_await with_operator{}; }) == 5);
  const auto [first, second] = home.run(when_all(stays_here(), stays_here()));
  CHECK((first && second));
}

TEST_CASE("foreign awaitable: an await counts as work of its loop", "[style][threads]") {
  loop home;
  bool ended = false;
  detach([&]() -> task<> { ended = co_await stays_here(); });
  CHECK(home.has_work());
  home.run();
  CHECK(ended);
  CHECK_FALSE(home.has_work());
}

TEST_CASE("foreign awaitable: a task that awaits it on another loop goes on there", "[style][threads]") {
  loop_thread other;
  loop home;
  CHECK(home.run([&]() -> task<bool> {
    co_await resume_on(other.there());
    co_return co_await stays_here() && std::this_thread::get_id() == other.id();
  }));
  CHECK_FALSE(home.has_work());
}

TEST_CASE("foreign awaitable: every kind of await_suspend works", "[style]") {
  struct answers {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    [[nodiscard]] bool await_suspend(std::coroutine_handle<>) const noexcept { return false; }
    int await_resume() const noexcept { return 1; }
  };
  struct hands_back {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) const noexcept {
      return awaiting;
    }
    int await_resume() const noexcept { return 2; }
  };
  struct hands_over {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) {
      loop::current().post([awaiting] { awaiting.resume(); });
      return std::noop_coroutine();
    }
    int await_resume() const noexcept { return 3; }
  };
  struct ready {
    [[nodiscard]] bool await_ready() const noexcept { return true; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    int await_resume() const noexcept { return 4; }
  };
  struct throws {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<>) const { throw std::runtime_error("from await_suspend"); }
    int await_resume() const noexcept { return 0; }
  };
  loop home;
  CHECK(home.run([]() -> task<int> { co_return co_await answers{}; }) == 1);
  CHECK(home.run([]() -> task<int> { co_return co_await hands_back{}; }) == 2);
  CHECK(home.run([]() -> task<int> { co_return co_await hands_over{}; }) == 3);
  CHECK(home.run([]() -> task<int> { co_return co_await ready{}; }) == 4);
  const auto failed = home.run(as_result([]() -> task<int> { co_return co_await throws{}; }));
  CHECK(failed.error().message() == "from await_suspend");
  CHECK_FALSE(home.has_work());
}

TEST_CASE("foreign awaitable: destroying the handle cancels the await", "[style][threads]") {
  struct drops {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> awaiting) const {
      if (within) return awaiting.destroy();
      std::thread([awaiting] { awaiting.destroy(); }).detach();
    }
    void await_resume() const noexcept {}
    bool within;
  };
  loop home;
  for (const bool within : {true, false}) {
    const auto ended = home.run(as_result([=]() -> task<> { co_await drops{within}; }));
    CHECK(ended.error() == std::errc::operation_canceled);
  }
  CHECK_FALSE(home.has_work());
}

TEST_CASE("foreign awaitable: the loop's end does not wait for it; a late resumption does nothing",
          "[style]") {
  std::coroutine_handle<> resumed, dropped;
  bool went_on = false;
  {
    loop home;
    detach([&]() -> task<> {
      co_await kept{resumed};
      went_on = true;
    });
    detach([&]() -> task<> { co_await kept{dropped}; });
    home.run(yield());
  }
  REQUIRE(resumed);
  resumed.resume();
  dropped.destroy();
  CHECK_FALSE(went_on);
}

TEST_CASE("foreign awaitable: many awaits that resume within await_suspend take constant stack", "[style]") {
  struct resumes_at_once {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> awaiting) const { awaiting.resume(); }
    void await_resume() const noexcept {}
  };
  CHECK(on_small_stack([] {
          return run([]() -> task<long> {
            long n = 0;
            for (; n < many / 10; ++n) co_await resumes_at_once{};
            co_return n;
          });
        }) == many / 10);
}
