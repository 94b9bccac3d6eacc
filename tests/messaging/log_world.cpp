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
#include "catch.hpp"
#include "log_records.hpp"
#include "sanitized.hpp"

// The log where the power fails, syncs fail, and the disk is full.

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

// One append, several that share a write, and one in the next file; or only the first ones.
task<> append_some(known& what, log_options how, bool goes_on) {
  auto journal = co_await messaging::log::open("/log", how);
  co_await append_one(journal, what);
  if (goes_on && long_form()) {
    auto three = when_all(append_one(journal, what), append_one(journal, what), append_one(journal, what));
    co_await std::move(three);
  } else {
    auto two = when_all(append_one(journal, what), append_one(journal, what));
    co_await std::move(two);
  }
  if (goes_on) co_await append_one(journal, what);
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
      if (!crashed) co_await append_some(what, how, how.durability == durability::synced);
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
    CHECK(seen.lasts == std::set<std::uint64_t>(all, all + 4));
  }
  SECTION("it becomes durable soon") {
    cut_power({.durability = durability::interval(20us)}, true, 15, seen);
    CHECK(seen.lasts == std::set<std::uint64_t>(all, all + 4));
  }
}

TEST_CASE("log: the end of the process at any moment loses nothing acknowledged", "[messaging][log][sim]") {
  const auto how =
      GENERATE(as<durability>{}, durability::synced, durability::written, durability::interval(60us));
  tally seen;
  cut_power({.durability = how, .segment_bytes = 1300}, false, 40, seen);
  CHECK(seen.lasts.size() >= 3);
}

TEST_CASE("log: interval makes appends durable by itself", "[messaging][log][sim]") {
  sim::world here(1);
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
    const log_options how{.segment_bytes = 700};
    {
      auto journal = co_await messaging::log::open("/log", how);
      known what;
      std::optional<error> failed;
      while (!failed) {
        auto one = as_result(append_one(journal, what));
        const auto done = co_await std::move(one);
        if (!done) failed = done.error();
      }
      CHECK(*failed == std::errc::no_space_on_device);
      const std::string body(4000, 'x');
      auto large = as_result(journal.append(body));
      const auto refused = co_await std::move(large);
      CHECK(refused.error() == std::errc::no_space_on_device);
      const log_contents found = co_await contents_of(journal);
      CHECK(is_prefix(found, what.acknowledged, body_bytes));
      co_await journal.truncate_front(journal.last());
      what.begun = what.acknowledged;
      if (journal.first() > 1) co_await append_one(journal, what);
    }
    auto journal = co_await messaging::log::open("/log", how);
    const log_contents found = co_await contents_of(journal);
    CHECK(found.damaged.empty());
    CHECK(found.records.size() == journal.last() - journal.first() + 1);
    for (const auto& [sequence, body] : found.records)
      if (body != nth_body(sequence, body_bytes)) FAIL("a refused append is in the log");
  };
  sim::world here(1);
  sim::host& at = here.add_host("disk", {.disk = {.capacity_bytes = room}});
  here.run_on(at, scenario());
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
        const bool synced = here.draws().among(2) == 0;
        auto one = as_result(to.append(body, synced ? durability::synced : durability::written));
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
