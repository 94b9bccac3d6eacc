// The log where the power fails, syncs fail, and the disk is full.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/messaging/log.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/sim/explore.hpp"
#include "braid/sim/world.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/spawn.hpp"
#include "braid/trace/tasks.hpp"
#include "catch.hpp"
#include "log_records.hpp"
#include "sanitized.hpp"

namespace {

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;
using messaging::durability;
using messaging::log_options;

void require(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

constexpr std::size_t body_bytes = 280;  // so that a batch spans sectors

// With BRAID_TEST_POWER=long in the environment more appends share a write. That takes a minute.
bool long_form() {
  const char* const asked = std::getenv("BRAID_TEST_POWER");
  return asked != nullptr && std::string(asked) == "long";
}

// What a program knows when the power fails.
struct known {
  std::uint64_t begun = 0, acknowledged = 0, durable = 0;
  std::size_t body = body_bytes;
};

task<> append_one(messaging::log& to, known& what) {
  const std::string body = nth_body(++what.begun, what.body);
  const std::uint64_t at = co_await to.append(body);
  require(body == nth_body(at, what.body), "an append got another one's number");
  what.acknowledged = std::max(what.acknowledged, at);
  what.durable = std::max(what.durable, to.durable());
}

// One append, several that share a write, and one in the next file; or only two, each with its own write.
task<> append_some(known& what, log_options how) {
  auto journal = co_await messaging::log::open("/log", how);
  co_await append_one(journal, what);
  if (how.durability.kind() == durability::level::interval) {
    co_await sleep_for(10 * how.durability.time());
    require(journal.durable() == 1, "the log has not synced by itself");
    what.durable = 1;
  }
  const bool goes_on = how.durability == durability::synced || long_form();
  if (goes_on && long_form()) {
    auto three = when_all(append_one(journal, what), append_one(journal, what), append_one(journal, what));
    co_await std::move(three);
  } else if (goes_on) {
    auto two = when_all(append_one(journal, what), append_one(journal, what));
    co_await std::move(two);
  }
  co_await append_one(journal, what);
  co_await journal.close();
  what.durable = journal.last();
  co_await sleep_for(1h);
}

// Whatever the crash has left is the first records, without a gap, and at least what was durable.
task<std::uint64_t> check_after_crash(known what, log_options how) {
  auto journal = co_await messaging::log::open("/log", how);
  const log_contents found = co_await contents_of(journal);
  const std::uint64_t last = journal.last();
  require(journal.recovery().damaged.empty(), "a crash looks like damage");
  require(is_prefix(found, last, what.body), "the records are not the first ones");
  require(last >= what.durable, "a durable record is lost");
  require(last <= what.begun, "a record was invented");
  // What was shown once stays, and so does what is appended to it.
  const std::string more = nth_body(last + 1, what.body);
  co_await journal.append(more, durability::synced);
  co_return last;
}

struct tally {
  std::set<std::uint64_t> lasts;
};

// The power fails at each moment, and whatever was not synced is kept, lost or torn in each way; or only the
// process ends, and all that the system has is kept.
sim::explored cut_power(log_options how, bool loses_unsynced, std::size_t moments, tally& seen) {
  const auto program = [&](sim::world& here) {
    known what{.body = 400};  // a sector's end is within each record of a batch
    bool crashed = false;
    const auto runs = [&](sim::host&) -> task<> {
      if (!crashed) co_await append_some(what, how);
    };
    const sim::disk_options slow{
        .least_latency = 10us, .most_latency = 10us, .loses_unsynced = loses_unsynced};
    sim::host& at = here.add_host("disk", {.program = runs, .disk = slow});
    here.run_for(static_cast<int>(here.draws().among(moments)) * 10us);
    here.crash(at);
    crashed = true;
    if (!loses_unsynced) what.durable = what.acknowledged;
    here.restart(at);
    const std::uint64_t last = here.run_on(at, check_after_crash(what, how));
    seen.lasts.insert(last);
    here.crash(at);
    here.restart(at);
    what.begun = what.durable = last + 1;
    (void)here.run_on(at, check_after_crash(what, how));
  };
  return sim::exhaust(program);
}

}  // namespace

TEST_CASE("log: a power failure at any moment leaves the first records, and all durable ones",
          "[messaging][log][sim]") {
  const std::uint64_t all[] = {0, 1, 2, 3, 4, 5};
  tally seen;
  SECTION("each append is durable") {
    cut_power({.segment_bytes = long_form() ? 1800u : 1500u}, true, 40, seen);
    CHECK(seen.lasts == std::set<std::uint64_t>(all, all + (long_form() ? 6 : 5)));
  }
  SECTION("the system has it") {
    cut_power({.durability = durability::written}, true, 15, seen);
    CHECK(seen.lasts == std::set<std::uint64_t>(all, all + (long_form() ? 6 : 3)));
  }
  SECTION("it becomes durable soon") {
    cut_power({.durability = durability::interval(5us)}, true, 20, seen);
    CHECK(seen.lasts == std::set<std::uint64_t>(all, all + (long_form() ? 6 : 3)));
  }
}

TEST_CASE("log: the end of the process at any moment loses nothing acknowledged", "[messaging][log][sim]") {
  const auto how =
      GENERATE(as<durability>{}, durability::synced, durability::written, durability::interval(5us));
  tally seen;
  cut_power({.durability = how, .segment_bytes = 1300}, false, 40, seen);
  CHECK(seen.lasts.size() >= 3);
}

TEST_CASE("log: interval makes appends durable by itself", "[messaging][log][sim]") {
  sim::world here(sim::world_options{.track_tasks = true});
  const auto program = []() -> task<> {
    auto journal = co_await messaging::log::open("/log", {.durability = durability::interval(1s)});
    co_await journal.append("one");
    CHECK(journal.durable() == 0);
    co_await sleep_for(500ms);
    co_await journal.append("two");
    CHECK(journal.durable() == 0);
    co_await sleep_for(600ms);
    CHECK(journal.durable() == 2);  // counted from the first
    CHECK(journal.metrics().syncs == 1);
    co_await journal.append("later", durability::interval(1h));
    co_await journal.append("soon", durability::interval(1s));  // both
    co_await sleep_for(1100ms);
    CHECK(journal.durable() == 4);
    CHECK(journal.metrics().syncs == 2);
    // However often something is due, one coroutine waits for it.
    for (int i = 0; i != 100; ++i) {
      co_await journal.append("later", durability::interval(1h));
      co_await journal.append("now", durability::synced);
    }
    const task_dump now = dump_tasks(loop::current());
    CHECK(now.frames.size() + now.unowned.size() < 10);
  };
  here.run(program());
}

// After a failed sync the log stops, whichever it was, and a log that is opened again relies on nothing that
// the system shows but the device may lack.
TEST_CASE("log: a sync that fails stops the log, and what is shown later stays", "[messaging][log][sim]") {
  const std::uint64_t nth = GENERATE(range(1, 12));
  CAPTURE(nth);
  std::uint64_t stopped = 0;
  const auto program = [&](sim::world& here) {
    known what;
    here.faults().add({.what = sim::fault::io_error, .nth = nth, .only = opcode::fsync});
    sim::host& at = here.add_host("disk");
    const log_options how{.segment_bytes = 1300};
    const auto until_it_fails = [&]() -> task<> {
      auto journal = co_await messaging::log::open("/log", how);
      std::optional<error> failed;
      for (int i = 0; i != 6 && !failed; ++i) {
        auto one = as_result(append_one(journal, what));
        const auto done = co_await std::move(one);
        if (!done) failed = done.error();
      }
      if (!failed) co_return;
      require(*failed == std::errc::io_error, "an append failed for another reason");
      auto again = as_result(journal.append("again"));
      const auto refused = co_await std::move(again);
      require(!refused && refused.error() == messaging::errc::log_stopped, "a stopped log took an append");
      require(refused.error().suppressed().front() == std::errc::io_error, "it does not say why");
      auto shorter = as_result(journal.truncate_back(1));
      const auto kept = co_await std::move(shorter);
      require(!kept && kept.error() == messaging::errc::log_stopped, "a stopped log was cut");
      const log_contents found = co_await contents_of(journal);
      require(is_prefix(found, what.acknowledged, body_bytes), "it does not serve what it has acknowledged");
      auto closing = as_result(journal.close());
      const auto closed = co_await std::move(closing);
      require(!closed && closed.error() == messaging::errc::log_stopped, "close says that all is well");
      ++stopped;
    };
    auto first = here.run_on(at, as_result(until_it_fails()));
    if (!first && first.error() != std::errc::io_error) first.error().rethrow();  // open itself failed
    here.faults().clear();
    const std::uint64_t last = here.run_on(at, check_after_crash(what, how));  // without a crash
    here.crash(at);
    here.restart(at);
    what.begun = what.durable = last + 1;
    (void)here.run_on(at, check_after_crash(what, how));
  };
  sim::exhaust(program);
  CHECK((stopped != 0) == (nth >= 2 && nth <= 9));
}

TEST_CASE("log: a full disk refuses appends, serves reads, and takes appends once there is room",
          "[messaging][log][sim]") {
  const std::uint64_t room = GENERATE(range(700, 3000, 97));
  CAPTURE(room);
  const auto scenario = []() -> task<> {
    const log_options how{.segment_bytes = 1000};
    std::map<std::uint64_t, std::string> accepted;
    {
      auto journal = co_await messaging::log::open("/log", how);
      int bodies = 0, refused = 0;
      const auto append_next = [&]() -> task<bool> {
        const std::string body = nth_body(++bodies, body_bytes);
        auto one = as_result(journal.append(body));
        const auto done = co_await std::move(one);
        if (done) accepted[*done] = body;
        if (!done && done.error() != std::errc::no_space_on_device) done.error().rethrow();
        if (!done) ++refused;
        co_return done.has_value();
      };
      while (refused == 0) {  // in the middle of a group, too
        auto four = when_all(append_next(), append_next(), append_next(), append_next());
        co_await std::move(four);
      }
      const std::string body(4000, 'x');
      auto large = as_result(journal.append(body));
      const auto too_large = co_await std::move(large);
      CHECK(too_large.error() == std::errc::no_space_on_device);
      const log_contents found = co_await contents_of(journal);
      CHECK(found.records == accepted);
      // An append that is tried again at once holds up nothing, and ends once there is room.
      const auto makes_room = [&]() -> task<> {
        co_await sleep_for(1ms);
        co_await journal.truncate_front(journal.last());
      };
      const auto tries_again = [&]() -> task<> {
        for (bool done = false; !done;) done = co_await append_next();
      };
      if (journal.segments().size() > 2) {
        auto both = when_all(tries_again(), makes_room());
        co_await std::move(both);
      }
      accepted.erase(accepted.begin(), accepted.lower_bound(journal.first()));
    }
    auto journal = co_await messaging::log::open("/log", how);
    const log_contents found = co_await contents_of(journal);
    CHECK(found.damaged.empty());
    CHECK(found.records == accepted);
  };
  sim::world here(1);
  sim::host& at =
      here.add_host("disk", {.disk = {.least_latency = 10us, .most_latency = 10us, .capacity_bytes = room}});
  here.run_on(at, scenario());
}

TEST_CASE("log: a truncation during which the power fails leaves no gap", "[messaging][log][sim]") {
  const log_options how{.segment_bytes = 500};  // a record in each file
  const auto program = [&](sim::world& here) {
    bool truncates = false, is_cut = false, is_shorter = false;
    const auto runs = [&](sim::host&) -> task<> {
      if (!std::exchange(truncates, false)) co_return;
      auto journal = co_await messaging::log::open("/log", how);
      co_await journal.truncate_front(3);
      is_shorter = true;
      co_await journal.truncate_back(5);
      is_cut = true;
      co_await sleep_for(1h);
    };
    const sim::disk_options slow{.least_latency = 10us, .most_latency = 10us};
    sim::host& at = here.add_host("disk", {.program = runs, .disk = slow});
    const auto fills = [&]() -> task<> {
      auto journal = co_await messaging::log::open("/log", how);
      known what;
      while (journal.last() != 6) co_await append_one(journal, what);
      co_await journal.close();
    };
    here.run_on(at, fills());
    here.crash(at);
    truncates = true;
    here.restart(at);
    here.run_for(static_cast<int>(here.draws().among(50)) * 10us + 5us);
    here.crash(at);
    here.restart(at);
    const auto check = [&]() -> task<> {
      auto journal = co_await messaging::log::open("/log", how);
      const log_contents found = co_await contents_of(journal);
      require(found.damaged.empty() && journal.recovery().damaged.empty(), "it looks like damage");
      require(journal.first() <= 3 && (journal.last() == 4 || (!is_cut && journal.last() >= 4)), "it is cut");
      require(journal.last() == 6 || is_shorter, "it is cut at the back before it is at the front");
      require(found.records.size() == journal.last() + 1 - journal.first(), "there is a gap");
      for (const auto& [sequence, body] : found.records)
        require(body == nth_body(sequence, body_bytes), "a record has other bytes");
      const std::string more = nth_body(journal.last() + 1, body_bytes);
      co_await journal.append(more);
    };
    here.run_on(at, check());
  };
  CHECK(sim::exhaust(program).runs > 50);
}

TEST_CASE("log: a second close waits for the first one", "[messaging][log][sim]") {
  sim::world here(1);
  const auto program = []() -> task<> {
    auto journal = co_await messaging::log::open("/log");
    co_await journal.append("one", durability::written);
    auto first = spawn(journal.close());
    co_await journal.close();
    auto again = co_await messaging::log::open("/log");
    CHECK(again.last() == 1);
    co_await std::move(first);
    co_await again.close();
    co_await again.close();
  };
  here.run(program());
}

TEST_CASE("log: retention overtakes a reader, which says so and calls nothing damaged",
          "[messaging][log][sim]") {
  const std::uint64_t before = GENERATE(range(0, 5));  // so many it has read by then
  sim::world here(1);
  const auto program = [&]() -> task<> {
    auto journal = co_await messaging::log::open("/log", {.segment_bytes = 1000, .retain_bytes = 2000});
    known what;
    for (int i = 0; i != 5; ++i) co_await append_one(journal, what);
    auto all = journal.follow(1);
    std::uint64_t seen = 0;
    std::optional<error> ended;
    while (!ended) {
      if (seen == before)
        for (int i = 0; i != 20; ++i) co_await append_one(journal, what);
      auto one = as_result(all.next());
      auto each = co_await std::move(one);
      if (!each) {
        ended = each.error();
      } else {
        const auto& record = **each;
        REQUIRE(record);
        CHECK(record->sequence == ++seen);
      }
    }
    CHECK(*ended == messaging::errc::record_removed);
  };
  here.run(program());
}

// Everything at once: several appenders, each kind of durability, faults and crashes, as the seed draws them.
TEST_CASE("log: whatever goes wrong, nothing acknowledged as durable is lost and nothing refused is there",
          "[messaging][log][sim]") {
  struct model {
    std::map<std::uint64_t, std::string> durable, may_be_there;
    std::set<std::string> refused;
    std::uint64_t bodies = 0;
  };
  const auto program = [](sim::world& here) {
    const auto all = std::make_shared<model>();
    for (const auto& [what, only] : std::vector<std::pair<sim::fault, opcode>>{
             {sim::fault::io_error, opcode::fsync}, {sim::fault::no_space, opcode::write}})
      here.faults().add({.what = what, .probability = 0.02, .only = only});
    here.faults().add({.what = sim::fault::short_write, .probability = 0.2, .only = opcode::write});
    const auto appends = [&here, all](messaging::log& to) -> task<> {
      for (;;) {
        const std::size_t size =
            here.draws().among(5) == 0 ? here.draws().among(3000) : here.draws().among(100);
        const std::string body = std::to_string(++all->bodies) + std::string(size, 'x');
        const durability each[] = {durability::synced, durability::written, durability::interval(2ms)};
        const durability how = each[here.draws().among(3)];
        const bool synced = how == durability::synced;
        auto one = as_result(to.append(body, how));
        const auto done = co_await std::move(one);
        if (done) (synced ? all->durable : all->may_be_there)[*done] = body;
        if (!done && done.error() == std::errc::no_space_on_device) all->refused.insert(body);
        if (!done && done.error() != std::errc::no_space_on_device) break;
      }
    };
    const auto lives = [&, all](sim::host&) -> task<> {
      auto opening = as_result(messaging::log::open("/log", {.segment_bytes = 4000}));
      result<messaging::log> opened = co_await std::move(opening);
      if (!opened) co_return;
      messaging::log journal = std::move(opened).value();
      const log_contents found = co_await contents_of(journal);
      require(found.damaged.empty() && found.in_order, "damage without a cause");
      require(found.records.size() == journal.last(), "a record is missing");
      for (const auto& [sequence, body] : all->durable)
        require(sequence <= journal.last() && found.records.at(sequence) == body, "a durable record is lost");
      for (const auto& [sequence, body] : found.records)
        require(all->refused.count(body) == 0, "a refused append is in the log");
      all->durable = found.records;  // what was shown once stays
      auto three = when_all(appends(journal), appends(journal), appends(journal));
      co_await std::move(three);
    };
    sim::host& at = here.add_host(
        "disk",
        {.program = lives, .disk = {.least_latency = 10us, .most_latency = 100us, .sync_latency = 1ms}});
    for (int crashes = 0; crashes != 5; ++crashes) {
      here.run_for(here.draws().between(0ms, 30ms));
      here.crash(at);
      here.restart(at);
    }
    here.run_for(1ms);
    here.crash(at);  // ends what uses the variables of this function
  };
  sim::explore(sanitized ? 30 : 150, program);
}
