#include "braid/messaging/to_prometheus.hpp"

#include <chrono>
#include <set>
#include <sstream>
#include <string>

#include "braid/messaging/queue.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/sim/world.hpp"
#include "catch.hpp"

namespace {

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;
using messaging::to_prometheus;

// Each metric has one HELP and one TYPE line, and all of its values follow at once.
bool is_well_formed(const std::string& text) {
  std::istringstream lines(text);
  std::set<std::string> seen;
  std::string line, current;
  bool typed = false;
  while (std::getline(lines, line)) {
    if (line.starts_with("# HELP ")) {
      current = line.substr(7, line.find(' ', 7) - 7);
      if (!seen.insert(current).second) return false;
      typed = false;
    } else if (line.starts_with("# TYPE ")) {
      if (!line.starts_with("# TYPE " + current + ' ')) return false;
      typed = true;
    } else if (!typed || !line.starts_with(current + '{')) {
      return false;
    }
  }
  return text.ends_with('\n');
}

task<std::string> metrics_of_some_work() {
  messaging::queue jobs = co_await messaging::queue::open("/jobs");
  co_await jobs.make_group("resize", {.attempts = 1});
  co_await jobs.make_group("index");
  for (const char* const body : {"one", "two", "three"}) co_await jobs.send(body);
  co_await jobs.send("later", {.delay = 1h});
  messaging::delivery one = co_await jobs.receive("resize");
  co_await one.ack();
  messaging::delivery two = co_await jobs.receive("resize");
  co_await two.nack(0s, "bad");
  messaging::delivery three = co_await jobs.receive("resize");
  co_await sleep_for(90s);
  const messaging::queue_metrics now = co_await jobs.metrics();
  co_return to_prometheus("jobs", now);
}

}  // namespace

TEST_CASE("to_prometheus: shows depth, age, what is in flight, attempts and progress",
          "[messaging][queue][sim]") {
  sim::world here(1);
  const std::string text = here.run(metrics_of_some_work());
  CHECK(is_well_formed(text));
  CHECK_THAT(text, contains("# HELP braid_queue_messages Messages that are not finished.\n"
                            "# TYPE braid_queue_messages gauge\n"
                            "braid_queue_messages{queue=\"jobs\"} 4\n"));
  CHECK_THAT(text, contains("\nbraid_queue_sent_total{queue=\"jobs\"} 4\n"));
  for (const char* const line : {"messages{queue=\"jobs\",group=\"resize\",state=\"delayed\"} 1",
                                 "messages{queue=\"jobs\",group=\"resize\",state=\"dead\"} 1",
                                 "messages{queue=\"jobs\",group=\"resize\",state=\"leased\"} 1",
                                 "messages{queue=\"jobs\",group=\"index\",state=\"ready\"} 3",
                                 "deliveries_total{queue=\"jobs\",group=\"resize\"} 3",
                                 "failures_total{queue=\"jobs\",group=\"index\"} 0",
                                 "acknowledged_total{queue=\"jobs\",group=\"resize\"} 1"})
    CHECK_THAT(text, contains("\nbraid_queue_group_" + std::string(line) + "\n"));
  CHECK_THAT(text,
             contains("braid_queue_group_last_progress_age_seconds{queue=\"jobs\",group=\"resize\"} 90"));
  CHECK_THAT(text, !contains("last_progress_age_seconds{queue=\"jobs\",group=\"index\"}"));
}

TEST_CASE("to_prometheus: names of any bytes, and several queues", "[messaging][queue]") {
  messaging::monitored_queue all[2];
  all[0].name = "a\\b\"c\nd\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80";
  all[0].metrics.messages = 12'345'678;
  all[1].name = "\xff\xc3|\xed\xa0\x80|\xc0\xaf|\xf4\x90\x80\x80";
  all[1].metrics.groups.resize(1);
  all[1].metrics.groups[0].name = "g";
  all[1].metrics.groups[0].oldest = 1500ms;
  const std::string text = to_prometheus(all, {});
  CHECK(is_well_formed(text));
  CHECK_THAT(text,
             contains("braid_queue_messages{queue=\"a\\\\b\\\"c\\nd\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"} "
                      "12345678\n"));
  const std::string no = "\xef\xbf\xbd";
  const std::string second = no + no + "|" + no + no + no + "|" + no + no + "|" + no + no + no + no;
  CHECK_THAT(text,
             contains("braid_queue_group_oldest_age_seconds{queue=\"" + second + "\",group=\"g\"} 1.5\n"));
  CHECK(is_well_formed(to_prometheus("none", {}, {})));
}
