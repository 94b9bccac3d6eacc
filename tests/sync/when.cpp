#include "braid/sync/when.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/schedule/interval.hpp"
#include "braid/style/promise.hpp"
#include "braid/sync/barrier.hpp"
#include "braid/sync/channel.hpp"
#include "braid/sync/event.hpp"
#include "braid/sync/select.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

TEST_CASE("when: a disabled operation does not happen, and does not wait", "[select][when]") {
  IN_EVERY_STYLE(style);
  channel<int> full(1), other(1);
  event set;
  loop here;
  REQUIRE(full.try_send(1));
  REQUIRE(other.try_send(2));
  set.set();
  const auto made = style.wait(select(when(false, full.receive()), when(false, sleep_for(0ns)),
                                      when(false, set.wait()), when(true, other.receive())));
  REQUIRE(made);
  CHECK(made->index == 3);
  CHECK(std::get<3>(made->value) == 2);
  CHECK(full.size() == 1);
}

TEST_CASE("when: calls a function that makes an operation only if the condition holds", "[select][when]") {
  loop here;
  std::unique_ptr<channel<int>> missing;
  event set;
  set.set();
  auto made = here.run(select(when(missing != nullptr, [&] { return missing->receive(); }), set.wait()));
  CHECK(made.index == 1);
  missing = std::make_unique<channel<int>>(1);
  REQUIRE(missing->try_send(4));
  made = here.run(select(when(missing != nullptr, [&] { return missing->receive(); }), set.wait()));
  CHECK(made.index == 0);
}

TEST_CASE("when: an operation with an element that can only be moved keeps it while it is disabled",
          "[select][when]") {
  loop here;
  channel<std::unique_ptr<int>> numbers(1);
  event set;
  set.set();
  auto kept = std::make_unique<int>(5);
  CHECK(here.run(select(when(false, numbers.send_from(kept)), set.wait())).index == 1);
  REQUIRE(kept != nullptr);
  CHECK(here.run(select(when(true, numbers.send_from(kept)), set.wait())).index == 0);
  CHECK(kept == nullptr);
}

TEST_CASE("when: a select of disabled operations fails at once", "[select][when]") {
  IN_EVERY_STYLE(style);
  event happened;
  loop here;
  promise<int> asked;
  auto page = asked.get_future();
  const auto taken = std::move(page);
  using wait = decltype(happened.wait());
  CHECK_THROWS_WITH(style.wait(select(when(false, happened.wait()), std::optional<wait>(), page)).value(),
                    contains("select: all operations are disabled"));
  CHECK_THROWS_AS(style.wait(select(std::vector<wait>())).value(), std::invalid_argument);
  CHECK_THROWS_AS(style.wait(select(std::vector<std::optional<wait>>(3))).value(), std::invalid_argument);
}

TEST_CASE("when: a disabled arrival does not count at its barrier", "[select][when]") {
  loop here;
  barrier meeting(2);
  auto waits = spawn(
      select(when(false, meeting.arrive_and_wait()), when(true, meeting.arrive_and_wait()), sleep_for(1h)));
  auto both = spawn(select(when(true, meeting.arrive_and_wait()), when(true, meeting.arrive_and_wait())));
  CHECK(here.run(std::move(waits)).index == 1);
  CHECK(here.run(std::move(both)).index == 0);
}

TEST_CASE("when: a loop that passes elements on with one select loses none when it is stopped anywhere",
          "[select][when][stop]") {
  const auto suspensions = every_cancellation([]() -> task<> {
    channel<int> from(0), to(0);
    int arrived = 0;
    const auto sends = [&]() -> task<> {
      for (int n = 1; n < 5; ++n) co_await from.send(n);
      from.close();
    };
    const auto passes_on = [&]() -> task<> {
      std::optional<int> kept;
      for (;;) {
        auto send_kept = [&] { return to.send(*kept); };
        auto next = co_await select(when(!kept, from.receive()), when(kept.has_value(), send_kept));
        if (next.index == 0 && !std::get<0>(next.value)) break;
        kept = next.index == 0 ? std::get<0>(next.value) : std::nullopt;
      }
      to.close();
    };
    const auto receives = [&]() -> task<> {
      while (auto one = co_await to.receive()) arrived = 10 * arrived + *one;
    };
    co_await when_all(sends, passes_on, receives);
    CHECK(arrived == 1234);
  });
  CHECK(suspensions > 6);
}
