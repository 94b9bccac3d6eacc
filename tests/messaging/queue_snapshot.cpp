// What is read of a queue beside the program that works with it.

#include "braid/messaging/queue_snapshot.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "braid/loop/loop.hpp"
#include "braid/messaging/queue.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/sim/explore.hpp"
#include "braid/sim/world.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/spawn.hpp"
#include "catch.hpp"
#include "scratch_folder.hpp"

namespace {

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;
using messaging::message_state;
using messaging::queue;
using messaging::queue_snapshot;
using messaging::queued_message;

void require_that(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

// What the program that works with a queue knows.
struct known_messages {
  std::set<std::uint64_t> sent, finishing, finished;
};

task<> keep_busy(queue& jobs, known_messages& all) {
  for (int i = 0; i != 60; ++i) {
    const std::string body = "message " + std::to_string(i);
    const std::uint64_t id = co_await jobs.send(body, {.key = i % 3 == 0 ? "third" : ""});
    all.sent.insert(id);
    if (i % 4 == 0) continue;
    messaging::delivery one = co_await jobs.receive("all");
    if (i % 7 == 0) {
      co_await one.nack(1s, "not now");
    } else {
      all.finishing.insert(one.id());
      co_await one.ack();
      all.finished.insert(one.id());
    }
  }
}

// A snapshot shows what had been sent before, and nothing that was finished before.
task<> look(const known_messages& all) {
  const known_messages before = all;
  const queue_snapshot now = co_await queue_snapshot::open("/jobs");
  require_that(now.recovery().damaged.empty(), "a write that goes on looks like damage");
  std::set<std::uint64_t> found;
  for (const queued_message& each : now.messages("all")) {
    require_that(found.empty() || *found.rbegin() < each.id, "the messages are out of order");
    found.insert(each.id);
    require_that(before.finished.count(each.id) == 0, "a finished message is shown");
    require_that((each.state == message_state::delayed) == each.due.has_value(), "a time is missing");
    auto reading = as_result(now.body(each.id));
    const result<std::string> body = co_await std::move(reading);
    if (body) require_that(body->starts_with("message "), "a body is wrong");
    if (!body)
      require_that(body.error() == make_error_code(messaging::errc::record_removed), "a body is unreadable");
  }
  for (const std::uint64_t id : before.sent)
    require_that(found.count(id) != 0 || all.finishing.count(id) != 0, "a message is not shown");
  require_that(now.metrics().messages == found.size(), "the messages are miscounted");
}

task<> work_beside_readers() {
  queue jobs = co_await queue::open("/jobs", {.segment_bytes = 1500});
  co_await jobs.make_group("all");
  known_messages all;
  auto busy = spawn(keep_busy(jobs, all));
  while (!busy.is_ready()) {
    co_await look(all);
    co_await sleep_for(30us);
  }
  co_await std::move(busy);
  co_await jobs.close();
  co_await look(all);
}

std::vector<std::pair<std::string, std::string>> files_of(const std::filesystem::path& directory) {
  std::vector<std::pair<std::string, std::string>> all;
  for (const auto& each : std::filesystem::directory_iterator(directory)) {
    std::ifstream from(each.path(), std::ios::binary);
    all.emplace_back(each.path().filename().string(), std::string(std::istreambuf_iterator<char>(from), {}));
  }
  std::sort(all.begin(), all.end());
  return all;
}

}  // namespace

TEST_CASE("queue_snapshot: shows what was there, whatever is written meanwhile", "[messaging][queue][sim]") {
  sim::explore(8, [](sim::world& here) {
    const sim::disk_options slow{.least_latency = 5us, .most_latency = 50us};
    here.run_on(here.add_host("disk", {.disk = slow}), work_beside_readers());
  });
}

TEST_CASE("queue_snapshot: shows all states, and changes no byte", "[messaging][queue]") {
  const scratch_folder folder;
  loop here;
  queue jobs = here.run(queue::open(folder / "jobs"));
  here.run(jobs.make_group("a", {.attempts = 1}));
  here.run(jobs.make_group("b"));
  const std::uint64_t first = here.run(jobs.send("first", {.key = "k", .priority = 4}));
  const std::uint64_t second = here.run(jobs.send("second", {.delay = 1h}));
  auto one = here.run(jobs.receive("a"));
  here.run(one.nack(0s, "it is bad"));
  auto held = here.run(jobs.receive("b"));
  here.run(jobs.pause("b"));
  {
    const auto files = files_of(folder / "jobs");
    const queue_snapshot now = here.run(queue_snapshot::open(folder / "jobs"));
    CHECK(files_of(folder / "jobs") == files);
    const auto a = now.messages("a");
    REQUIRE(a.size() == 2);
    CHECK((a[0].id == first && a[0].state == message_state::dead && a[0].key == "k" && a[0].priority == 4));
    CHECK((a[0].failures.size() == 1 && a[0].failures[0].reason == "it is bad" && a[0].attempts == 1));
    CHECK((a[1].id == second && a[1].state == message_state::delayed && a[1].bytes == 6));
    CHECK((a[1].due && *a[1].due > a[1].sent_at + 59min && *a[1].due <= a[1].sent_at + 61min));
    const auto leased = now.messages("b", {.state = message_state::leased});
    CHECK((leased.size() == 1 && leased[0].id == first && leased[0].failures.empty()));
    CHECK(now.messages("b", {.key = "k"}).size() == 1);
    CHECK(now.messages("b", {.at_most = 1}).size() == 1);
    CHECK(here.run(now.body(second)) == "second");
    CHECK_THROWS_AS(here.run(now.body(1)), std::invalid_argument);
    CHECK_THROWS_WITH(now.messages("c"), contains("no such group"));
    const auto counts = now.metrics();
    CHECK((counts.messages == 2 && counts.groups[1].leased == 1 && counts.groups[1].paused));
    CHECK((counts.groups[0].deliveries == 0 && !counts.groups[0].paused));
  }
  here.run(held.ack());
  here.run(jobs.close());
  const std::filesystem::path file = folder / "jobs" / "00000000000000000001.segment";
  std::ofstream(file, std::ios::app | std::ios::binary) << "torn";  // an append that is being written
  const auto files = files_of(folder / "jobs");
  const queue_snapshot torn = here.run(queue_snapshot::open(folder / "jobs"));
  CHECK((torn.recovery().damaged.empty() && torn.messages("b").size() == 1));
  CHECK(files_of(folder / "jobs") == files);
  CHECK_THROWS_WITH(here.run(queue_snapshot::open(folder / "missing")), contains("missing"));
}
