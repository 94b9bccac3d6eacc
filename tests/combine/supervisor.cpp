#include "braid/combine/supervisor.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "braid/combine/finally.hpp"
#include "braid/combine/when_all_settled.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/core/just.hpp"
#include "braid/schedule/resume_on.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/sim/virtual_time.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "braid/style/shield.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "every_allocation.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "loop_thread.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

// Pauses of exactly base, 2 * base, …
constexpr supervisor_options steady{.restarts = 100, .within = 1h, .base = 1s, .jitter = retry_jitter::none};

// Notes "+name" when a child begins, "-name" when it ends.
class diary {
 public:
  // Ends after `lasts`; with a failure if it has one.
  task<> child(std::string name, loop_clock::duration lasts, bool fails = false) {
    const entry inside(*this, name);
    co_await sleep_for(lasts);
    if (fails) throw std::runtime_error(name + " has failed");
  }
  // The same as a function.
  auto makes(std::string name, loop_clock::duration lasts, bool fails = false) {
    return [this, name = std::move(name), lasts, fails] { return child(name, lasts, fails); };
  }
  // Takes a while to obey a stop request.
  task<> slow(std::string name, loop_clock::duration takes) {
    const entry inside(*this, name);
    auto op = as_result(sleep_for(1h));
    (void)co_await std::move(op);
    co_await shield(sleep_for(takes));
  }
  void note(const std::string& what) { text += text.empty() ? what : " " + what; }
  std::string take() { return std::exchange(text, {}); }
  std::string text;

 private:
  struct entry {
    diary& in;
    const std::string name;
    entry(diary& d, std::string n) : in(d), name(std::move(n)) { in.note("+" + name); }
    entry(const entry&) = delete;
    entry& operator=(const entry&) = delete;
    ~entry() { in.note("-" + name); }
  };
};

task<> fails_at_once() {
  throw std::runtime_error("at once");
  co_return;
}

}  // namespace

TEST_CASE("supervisor: a permanent child is restarted after each end, with growing pauses", "[supervisor]") {
  IN_EVERY_STYLE(style);
  const sim::virtual_time clock;
  loop here;
  std::vector<loop_clock::duration> begins;
  const auto begun = loop_clock::now();
  const auto makes = [&]() -> task<> {
    begins.push_back(loop_clock::now() - begun);
    co_await sleep_for(100ms);
    if (begins.size() % 2 == 0) throw std::runtime_error("even");
  };
  const auto body = [&](supervisor& all) { all.spawn(makes); };
  CHECK(style.wait(with_timeout(with_supervisor(steady, body), 8s)) == std::errc::timed_out);
  CHECK(begins == std::vector<loop_clock::duration>{0ms, 1100ms, 3200ms, 7300ms});
}

TEST_CASE("supervisor: restarts what the policy of a child says", "[supervisor]") {
  const sim::virtual_time clock;
  loop here;
  const auto times = [&](restart_policy policy, auto op) {
    int begun = 0;
    const auto body = [&](supervisor& all) { all.spawn([&] { return ++begun, op(); }, {.restart = policy}); };
    (void)here.run(as_result(with_timeout(with_supervisor(steady, body), 5s)));
    return begun;
  };
  const auto good = [] { return just(7); };
  const auto bad = [] { return just_error<int>(std::errc::io_error); };
  const auto cancelled = [] { return just_error<int>(std::errc::operation_canceled); };
  const auto throwing = []() -> decltype(just(7)) { throw std::runtime_error("no operation"); };
  using enum restart_policy;
  CHECK(times(permanent, good) == 3);  // at 0, 1 and 3 s
  CHECK(times(permanent, bad) == 3);
  CHECK(times(permanent, cancelled) == 3);
  CHECK(times(permanent, throwing) == 3);
  CHECK(times(transient, good) == 1);
  CHECK(times(transient, bad) == 3);
  CHECK(times(transient, cancelled) == 1);
  CHECK(times(transient, throwing) == 3);
  CHECK(times(temporary, good) == 1);
  CHECK(times(temporary, bad) == 1);
}

TEST_CASE("supervisor: completes with the function's value once nothing runs", "[supervisor]") {
  IN_EVERY_STYLE(style);
  const sim::virtual_time clock;
  loop here;
  diary notes;
  const auto body = [&](supervisor& all) -> task<int> {
    all.spawn(notes.makes("a", 3s), {.restart = restart_policy::temporary});
    all.spawn(notes.makes("b", 1s, true), {.restart = restart_policy::temporary});
    co_await sleep_for(2s);
    notes.note("body");
    co_return 7;
  };
  CHECK(style.wait(with_supervisor(steady, body)).value() == 7);
  CHECK(notes.take() == "+a +b -b body -a");
  CHECK(style.wait(with_supervisor({}, [](supervisor&) { return 8; })).value() == 8);
}

TEST_CASE("supervisor: one for one restarts the child that ended", "[supervisor]") {
  const sim::virtual_time clock;
  loop here;
  diary notes;
  const auto body = [&](supervisor& all) {
    all.spawn(notes.makes("a", 1h));
    all.spawn(notes.makes("b", 1s, true));
    all.spawn(notes.makes("c", 1h));
  };
  (void)here.run(as_result(with_timeout(with_supervisor(steady, body), 2500ms)));
  CHECK(notes.take() == "+a +b +c -b +b -c -b -a");
}

TEST_CASE("supervisor: one for all stops the others, the youngest first, and restarts all", "[supervisor]") {
  const sim::virtual_time clock;
  loop here;
  diary notes;
  supervisor_options how = steady;
  how.strategy = restart_strategy::one_for_all;
  const auto body = [&](supervisor& all) {
    all.spawn(notes.makes("a", 1h));
    all.spawn(notes.makes("b", 1s, true));
    all.spawn(notes.makes("c", 1h), {.restart = restart_policy::transient});
    all.spawn(notes.makes("d", 1h), {.restart = restart_policy::temporary});
    all.spawn(notes.makes("e", 500ms), {.restart = restart_policy::transient});
  };
  (void)here.run(as_result(with_timeout(with_supervisor(how, body), 2100ms)));
  CHECK(notes.take() == "+a +b +c +d +e -e -b -d -c -a +a +b +c +e -e -c -b -a");
}

TEST_CASE("supervisor: rest for one restarts the child and those after it", "[supervisor]") {
  const sim::virtual_time clock;
  loop here;
  diary notes;
  supervisor_options how = steady;
  how.strategy = restart_strategy::rest_for_one;
  const auto body = [&](supervisor& all) {
    all.spawn(notes.makes("a", 2500ms));
    all.spawn(notes.makes("b", 1s, true));
    all.spawn(notes.makes("c", 1h));
  };
  const auto with = [&](loop_clock::duration time) {
    (void)here.run(as_result(with_timeout(with_supervisor(how, body), time)));
    return notes.take();
  };
  CHECK(with(2s - 1ns) == "+a +b +c -b -c -a");
  CHECK(with(2100ms) == "+a +b +c -b -c +b +c -c -b -a");
  // An older one ends while the restart of the others is under way: they begin again together, at 3.5 s.
  CHECK(with(3400ms) == "+a +b +c -b -c +b +c -a -c -b");
  CHECK(with(3600ms) == "+a +b +c -b -c +b +c -a -c -b +a +b +c -c -b -a");
}

TEST_CASE("supervisor: an older child that ends during the pause of a restart postpones it", "[supervisor]") {
  const sim::virtual_time clock;
  loop here;
  diary notes;
  supervisor_options how = steady;
  how.strategy = restart_strategy::rest_for_one;
  const auto body = [&](supervisor& all) {
    all.spawn(notes.makes("a", 1500ms));
    all.spawn(notes.makes("b", 1s, true));
  };
  (void)here.run(as_result(with_timeout(with_supervisor(how, body), 2600ms)));
  CHECK(notes.take() == "+a +b -b -a +a +b -b -a");
}

TEST_CASE("supervisor: one restart too many fails it with the last failure", "[supervisor]") {
  IN_EVERY_STYLE(style);
  const sim::virtual_time clock;
  loop here;
  diary notes;
  supervisor_options how = steady;
  how.restarts = 2;
  how.within = 10s;
  how.cap = 1s;
  const auto body = [&](supervisor& all) {
    all.spawn(notes.makes("a", 1h), {.name = "a"});
    all.spawn(notes.makes("b", 1s, true), {.name = "b"});
  };
  const auto ended = style.wait(with_supervisor(how, body));
  REQUIRE(ended == errc::too_many_restarts);
  CHECK(ended.error().message() == "with_supervisor b: Too many restarts");
  REQUIRE(ended.error().suppressed().size() == 1);
  CHECK_THROWS_WITH(ended.error().suppressed()[0].rethrow(), "b has failed");
  CHECK(notes.take() == "+a +b -b +b -b +b -b -a");
}

TEST_CASE("supervisor: restarts that lie further apart than the period do not count together",
          "[supervisor]") {
  const sim::virtual_time clock;
  loop here;
  int begun = 0;
  const auto body = [&](supervisor& all) { all.spawn([&] { return ++begun, sleep_for(1s); }); };
  supervisor_options how = steady;
  how.restarts = 1;
  how.cap = 1s;
  SECTION("exactly as far") {
    how.within = 2s;
    CHECK(here.run(as_result(with_timeout(with_supervisor(how, body), 20s))) == std::errc::timed_out);
    CHECK(begun == 10);
  }
  SECTION("less") {
    how.within = 2s + 1ns;
    CHECK(here.run(as_result(with_supervisor(how, body))) == errc::too_many_restarts);
    CHECK(begun == 2);
  }
  SECTION("none at all") {
    how.restarts = 0;
    const auto ended = here.run(as_result(with_supervisor(how, body)));
    CHECK(ended == errc::too_many_restarts);
    CHECK(ended.error().suppressed().empty());  // the child has not failed
    CHECK(begun == 1);
  }
  SECTION("without a limit") {
    how.restarts = 0;
    how.within = 0s;
    CHECK(here.run(as_result(with_timeout(with_supervisor(how, body), 20s))) == std::errc::timed_out);
    CHECK(begun == 10);
  }
}

TEST_CASE("supervisor: a child that has run for long begins again with the first pause", "[supervisor]") {
  const sim::virtual_time clock;
  loop here;
  std::vector<loop_clock::duration> pauses;
  const auto observe = [&](const child_report& it) {
    if (it.pause) pauses.push_back(*it.pause);
  };
  int begun = 0;
  const auto body = [&](supervisor& all) { all.spawn([&] { return sleep_for(++begun == 3 ? 11s : 1s); }); };
  (void)here.run(as_result(with_timeout(with_supervisor(steady, body, observe), 20s)));
  CHECK(pauses == std::vector<loop_clock::duration>{1s, 2s, 1s, 2s});
}

TEST_CASE("supervisor: a stop from outside stops the children one after the other", "[supervisor][stop]") {
  IN_EVERY_STYLE(style);
  const sim::virtual_time clock;
  loop here;
  diary notes;
  const auto body = [&](supervisor& all) -> task<> {
    all.spawn([&] { return notes.slow("a", 2s); });
    all.spawn([&] { return notes.slow("b", 2s); });
    co_await sleep_for(1h);
  };
  const auto begun = loop_clock::now();
  CHECK(style.wait(with_timeout(with_supervisor(steady, body), 1s)) == std::errc::timed_out);
  CHECK(loop_clock::now() - begun == 5s);
  CHECK(notes.take() == "+a +b -b -a");
}

TEST_CASE("supervisor: a child that does not stop in time holds up no other one", "[supervisor][stop]") {
  const sim::virtual_time clock;
  loop here;
  diary notes;
  std::vector<std::string> late;
  const auto observe = [&](const child_report& it) {
    if (it.failure != nullptr && *it.failure == std::errc::timed_out) late.push_back(it.failure->message());
  };
  const auto body = [&](supervisor& all) {
    all.spawn([&] { return notes.slow("a", 1s); });
    all.spawn([&] { return notes.slow("b", 30s); }, {.name = "b", .stop_within = 3s});
  };
  const auto begun = loop_clock::now();
  CHECK(here.run(as_result(with_timeout(with_supervisor(steady, body, observe), 1s))));  // none was cut short
  CHECK(loop_clock::now() - begun == 31s);  // it waits for the late one, too
  CHECK(notes.take() == "+a +b -a -b");
  REQUIRE(late.size() == 1);
  CHECK(late[0].find("with_supervisor b") == 0);
}

TEST_CASE("supervisor: a child that should restart with others and does not stop in time fails it",
          "[supervisor][stop]") {
  const sim::virtual_time clock;
  loop here;
  diary notes;
  supervisor_options how = steady;
  how.strategy = restart_strategy::one_for_all;
  const auto body = [&](supervisor& all) {
    all.spawn([&] { return notes.slow("a", 30s); }, {.name = "a", .stop_within = 3s});
    all.spawn(notes.makes("b", 1s, true));
  };
  const auto ended = here.run(as_result(with_supervisor(how, body)));
  CHECK(ended == std::errc::timed_out);
  CHECK(ended.error().message().find("with_supervisor a") == 0);
  CHECK(notes.take() == "+a +b -b -a");
}

TEST_CASE("supervisor: a failure while stopping goes before the cancellation", "[supervisor][stop]") {
  const sim::virtual_time clock;
  loop here;
  const auto cleans = [] { return just_error<void>(std::errc::io_error); };
  const auto body = [&](supervisor& all) { all.spawn([&] { return finally(sleep_for(1h), cleans); }); };
  stop_source source;
  auto op = with_stop_token(with_supervisor(steady, body), source.get_token());
  std::optional<result<void>> ended;
  start(std::move(op), [&](result<void> how) { ended.emplace(std::move(how)); });
  here.turn(false);
  source.request_stop();
  here.run();
  REQUIRE(ended);
  CHECK(ended->error() == std::errc::io_error);
}

TEST_CASE("supervisor: a failure of the function stops the children and fails it", "[supervisor]") {
  const sim::virtual_time clock;
  loop here;
  diary notes;
  const auto body = [&](supervisor& all) -> task<> {
    all.spawn(notes.makes("a", 1h));
    all.spawn(notes.makes("b", 1h));
    co_await sleep_for(1s);
    throw std::out_of_range("body");
  };
  CHECK_THROWS_AS(here.run(with_supervisor(steady, body)), std::out_of_range);
  CHECK(notes.take() == "+a +b -b -a");
}

TEST_CASE("supervisor: children can be removed in every state", "[supervisor]") {
  const sim::virtual_time clock;
  loop here;
  diary notes;
  const auto body = [&](supervisor& all) -> task<> {
    const child_id a = all.spawn(notes.makes("a", 1h)), b = all.spawn(notes.makes("b", 1s, true)),
                   c = all.spawn([&] { return notes.slow("c", 10s); }, {.stop_within = 2s}),
                   d = all.spawn([&] { return notes.slow("d", 1s); });
    co_await all.remove(a);  // runs
    notes.note("a");
    co_await sleep_for(1500ms);
    co_await all.remove(b);  // pauses
    notes.note("b");
    auto late = as_result(all.remove(c));
    const auto ended = co_await std::move(late);
    CHECK(ended == std::errc::timed_out);
    notes.note("c");
    co_await all.remove(d);
    notes.note("d");
    auto again = as_result(all.remove(a));
    CHECK_THROWS_AS((co_await std::move(again)).value(), std::invalid_argument);
  };
  here.run(with_supervisor(steady, body));
  CHECK(notes.take() == "+a +b +c +d -a a -b b c -d d -c");
}

TEST_CASE("supervisor: removing a child gives its failure; two may wait for it", "[supervisor]") {
  const sim::virtual_time clock;
  loop here;
  const auto cleans = [] { return just_error<void>(std::errc::io_error); };
  const auto body = [&](supervisor& all) -> task<> {
    const child_id a = all.spawn([&] { return finally(sleep_for(1h), cleans); });
    auto both = when_all_settled(all.remove(a), all.remove(a));
    const auto [first, second] = co_await std::move(both);
    CHECK(first == std::errc::io_error);
    CHECK(second == std::errc::io_error);
  };
  here.run(with_supervisor(steady, body));
}

TEST_CASE("supervisor: children can be spawned and removed by children", "[supervisor]") {
  const sim::virtual_time clock;
  loop here;
  diary notes;
  const auto body = [&](supervisor& all) {
    const auto own = std::make_shared<child_id>();
    *own = all.spawn(
        [&all, &notes, own]() -> task<> {
          all.spawn(notes.makes("grandchild", 1s), {.restart = restart_policy::temporary});
          co_await sleep_for(2s);
          co_await all.remove(*own);  // stops itself, and so this await
        },
        {.restart = restart_policy::permanent});
  };
  here.run(with_supervisor(steady, body));
  CHECK(notes.take() == "+grandchild -grandchild");
}

TEST_CASE("supervisor: a child that is spawned during a restart begins with the others", "[supervisor]") {
  const sim::virtual_time clock;
  loop here;
  diary notes;
  supervisor_options how = steady;
  how.strategy = restart_strategy::one_for_all;
  const auto body = [&](supervisor& all) -> task<> {
    all.spawn(notes.makes("a", 1s, true));
    co_await sleep_for(1500ms);
    all.spawn(notes.makes("b", 1h));
    notes.note("spawned");
    co_await sleep_for(1s);
    all.request_stop();
  };
  here.run(with_supervisor(how, body));
  CHECK(notes.take() == "+a -a spawned +a +b -b -a");
}

TEST_CASE("supervisor: can be stopped again after it had no children for a while", "[supervisor][stop]") {
  const sim::virtual_time clock;
  loop here;
  diary notes;
  const auto body = [&](supervisor& all) -> task<> {
    for (const char* name : {"a", "b"}) {
      all.spawn(notes.makes(name, 1s), {.restart = restart_policy::temporary});
      co_await sleep_for(2s);
    }
    all.spawn(notes.makes("c", 1h));
    co_await sleep_for(1h);
  };
  CHECK(here.run(as_result(with_timeout(with_supervisor(steady, body), 5s))) == std::errc::timed_out);
  CHECK(notes.take() == "+a -a +b -b +c -c");
}

TEST_CASE("supervisor: once it is stopped it begins no child", "[supervisor][stop]") {
  const sim::virtual_time clock;
  loop here;
  diary notes;
  const auto body = [&](supervisor& all) {
    all.request_stop();
    all.spawn(notes.makes("a", 1s));
  };
  here.run(with_supervisor(steady, body));
  CHECK(notes.take().empty());
}

TEST_CASE("supervisor: the removal of the child that ended ends the pause of a restart", "[supervisor]") {
  const sim::virtual_time clock;
  loop here;
  diary notes;
  supervisor_options how = steady;
  how.strategy = restart_strategy::rest_for_one;
  const auto body = [&](supervisor& all) -> task<> {
    all.spawn(notes.makes("a", 5s), {.restart = restart_policy::temporary});
    const child_id b = all.spawn(notes.makes("b", 1s, true));
    co_await sleep_for(1500ms);
    co_await all.remove(b);
  };
  const auto begun = loop_clock::now();
  here.run(with_supervisor(how, body));
  CHECK(loop_clock::now() - begun == 5s);
  CHECK(notes.take() == "+a +b -b -a");
}

TEST_CASE("supervisor: the children of a detached one that fails are not lost errors", "[supervisor]") {
  const sim::virtual_time clock;
  loop here;
  std::vector<std::string> lost;
  here.on_unhandled_error([&](const error& failure) { lost.push_back(failure.message()); });
  supervisor_options how = steady;
  how.restarts = 1;
  const auto body = [](supervisor& all) {
    all.spawn(fails_at_once, {.name = "cured", .restart = restart_policy::temporary});
    all.spawn(fails_at_once, {.name = "b"});
  };
  detach(with_supervisor(how, body));
  here.run();
  CHECK(lost == std::vector<std::string>{"with_supervisor b: Too many restarts"});
}

TEST_CASE("supervisor: children that fail as they begin use constant stack and let others run",
          "[supervisor]") {
  const sim::virtual_time clock;
  loop here;
  int begun = 0;
  supervisor_options how{.restarts = 50'000, .within = 1h, .base = 0s};
  how.strategy = GENERATE(restart_strategy::one_for_one, restart_strategy::one_for_all);
  const auto body = [&](supervisor& all) { all.spawn([&] { return ++begun, fails_at_once(); }); };
  CHECK(here.run(as_result(with_supervisor(how, body))) == errc::too_many_restarts);
  CHECK(begun == 50'001);
}

TEST_CASE("supervisor: its observer sees each end, and may fail it", "[supervisor]") {
  const sim::virtual_time clock;
  loop here;
  diary notes;
  const auto observe = [&](const child_report& it) {
    notes.note(std::string(it.name) + (it.failure != nullptr ? "!" : ".") + (it.pause ? "~" : ""));
    if (it.name == "c") throw std::length_error("enough");
  };
  const auto body = [&](supervisor& all) {
    all.spawn([] { return sleep_for(1s); }, {.name = "a"});
    all.spawn(fails_at_once, {.name = "b", .restart = restart_policy::temporary});
    all.spawn([] { return sleep_for(1500ms); }, {.name = "c"});
  };
  CHECK_THROWS_AS(here.run(with_supervisor(steady, body, observe)), std::length_error);
  CHECK(notes.take() == "b! a.~ c.~");
}

TEST_CASE("supervisor: misuse is an error that says so", "[supervisor]") {
  loop here;
  supervisor_options how;
  how.restarts = 65'537;
  CHECK_THROWS_AS(here.run(with_supervisor(how, [](supervisor&) {})), std::invalid_argument);
  const auto other_thread = [](supervisor& all) {
    std::thread([&] { CHECK_THROWS_AS(all.spawn(fails_at_once), std::logic_error); }).join();
  };
  here.run(with_supervisor({}, other_thread));
}

TEST_CASE("supervisor: without a loop it fails", "[supervisor]") {
  std::optional<result<void>> ended;
  struct receiver {
    std::optional<result<void>>* into;
    void finish(result<void> how) && noexcept { into->emplace(std::move(how)); }
    [[nodiscard]] stop_token get_stop_token() const noexcept { return {}; }
    [[nodiscard]] async_frame* frame() const noexcept { return nullptr; }
  };
  auto op = connect(with_supervisor({}, [](supervisor&) {}), receiver{&ended});
  op.start();
  CHECK_THROWS_AS(ended->value(), std::logic_error);
}

TEST_CASE("supervisor: children may end on other threads, which may also stop it", "[supervisor][threads]") {
  loop_thread other;
  loop here;
  int begun = 0;
  supervisor_options how{.restarts = 1000, .within = 1h, .base = 0s};
  const auto away = [&]() -> task<> {
    const bool last = ++begun == 50;
    co_await resume_on(other.there());
    if (last) throw std::runtime_error("last");
  };
  SECTION("by themselves") {
    how.restarts = 49;
    const auto body = [&](supervisor& all) { all.spawn(away); };
    const auto ended = here.run(as_result(with_supervisor(how, body)));
    CHECK(ended == errc::too_many_restarts);
    CHECK(begun == 50);
  }
  SECTION("stopped by a thread") {
    how.within = 0s;  // so it ends by the request alone
    for (int round = 0; round < 50; ++round) {
      begun = 100;
      std::thread stops;
      const auto body = [&](supervisor& all) {
        for (int n = 0; n < 3; ++n) all.spawn(away);
        stops = std::thread([&] { all.request_stop(); });
      };
      (void)here.run(as_result(with_supervisor(how, body)));
      stops.join();
    }
  }
}

TEST_CASE("supervisor: a loop that ends destroys the children, the youngest first", "[supervisor][stop]") {
  diary notes;
  std::optional<result<void>> ended;
  {
    const sim::virtual_time clock;
    loop here;
    const auto body = [&](supervisor& all) {
      all.spawn(notes.makes("a", 1h));
      all.spawn(notes.makes("b", 1s, true));
      all.spawn(notes.makes("c", 1h));
    };
    start(with_supervisor(steady, body), [&](result<void> how) { ended.emplace(std::move(how)); });
    here.run(sleep_for(1500ms));
  }
  REQUIRE(ended);
  CHECK(*ended == std::errc::operation_canceled);
  CHECK(notes.take().substr(0, 11) == "+a +b +c -b");
}

TEST_CASE("supervisor: can be stopped at each suspension", "[supervisor][stop]") {
  using enum restart_strategy;
  const restart_strategy strategy = GENERATE(one_for_one, one_for_all, rest_for_one);
  every_cancellation(
      [strategy]() -> task<> {
        supervisor_options how{.restarts = 3, .within = 1h, .base = 1ms, .jitter = retry_jitter::none};
        how.strategy = strategy;
        const auto failing = std::make_shared<int>(0);
        const auto body = [failing](supervisor& all) -> task<> {
          all.spawn([] { return sleep_for(3ms); }, {.restart = restart_policy::transient});
          all.spawn(
              [failing]() -> task<> {
                const auto held = std::make_unique<int>(++*failing);
                co_await yield();
                if (*held < 3) throw std::runtime_error("as it should");
              },
              {.restart = restart_policy::transient});
          const child_id last = all.spawn([] { return sleep_for(1h); });
          co_await sleep_for(10ms);
          co_await all.remove(last);
        };
        auto op = with_supervisor(how, body);
        co_await std::move(op);
      },
      may_fail::with_anything);
}
