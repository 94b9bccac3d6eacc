#include <algorithm>
#include <stdexcept>
#include <utility>

#include "braid/schedule/sleep.hpp"
#include "redis_queue.hpp"

namespace braid::redis::detail {

namespace {

using namespace std::chrono_literals;

std::uint64_t number_in(const value& of) { return static_cast<std::uint64_t>(of.integer()); }

std::chrono::system_clock::time_point time_in(const value& of) {
  return std::chrono::system_clock::time_point(std::chrono::milliseconds(of.integer()));
}

messaging::dead_letter letter_in(const value& of) {
  const std::vector<value>& all = of.array();
  messaging::dead_letter one;
  one.id = number_in(all.at(0));
  one.key = all.at(1).text();
  one.bytes = number_in(all.at(2));
  one.sent_at = time_in(all.at(3));
  one.attempts = static_cast<std::uint32_t>(all.at(4).integer());
  for (const value& each : all.at(5).array()) {
    const std::vector<value>& note = each.array();
    one.failures.push_back({static_cast<std::uint32_t>(note.at(0).integer()),
                            static_cast<messaging::delivery_failure>(note.at(1).integer()),
                            time_in(note.at(2)), note.at(3).text()});
  }
  return one;
}

messaging::group_metrics group_in(const value& of) {
  const std::vector<value>& all = of.array();
  const std::vector<value>& counts = all.at(1).array();
  messaging::group_metrics one;
  one.name = all.at(0).text();
  one.ready = number_in(counts.at(0));
  one.delayed = number_in(counts.at(1));
  one.leased = number_in(counts.at(2));
  one.dead = number_in(counts.at(3));
  one.deliveries = number_in(counts.at(4));
  one.acknowledged = number_in(counts.at(5));
  one.failures = number_in(counts.at(6));
  one.stale = number_in(counts.at(7));
  one.buried = number_in(counts.at(8));
  if (all.at(2).integer() >= 0) one.oldest = std::chrono::milliseconds(all.at(2).integer());
  if (all.at(3).integer() >= 0)
    one.last_progress = loop_clock::now() - std::chrono::milliseconds(all.at(3).integer());
  return one;
}

}  // namespace

task<> redis_queue::set_paused(std::string group, bool paused) {
  return pause(shared_from_this(), std::move(group), paused);
}
task<> redis_queue::pause(ptr self, std::string group, bool paused) {
  const char* const call = paused ? "queue::pause" : "queue::resume";
  self->require_open(call);
  std::vector<std::string> words{"pause", std::move(group), paused ? "1" : "0"};
  (void)co_await step(self, std::move(words), call, true);
}

task<bool> redis_queue::drain(loop_clock::time_point deadline) {
  return wait_until_drained(shared_from_this(), deadline);
}
task<bool> redis_queue::wait_until_drained(ptr self, loop_clock::time_point deadline) {
  loop_clock::duration pause = 1ms;
  self->require_open("queue::drain");
  self->draining_ = true;
  for (;;) {
    const messaging::queue_metrics now = co_await count(self);
    const bool is_empty = std::all_of(now.groups.begin(), now.groups.end(), [](const auto& each) {
      return each.ready + each.delayed + each.leased == 0;
    });
    if (is_empty) co_return true;
    if (loop_clock::now() >= deadline) co_return false;
    const auto then = std::min(deadline, loop_clock::after(pause));
    co_await sleep_until(then);
    self->require_open("queue::drain");
    pause = std::min<loop_clock::duration>(2 * pause, 200ms);
  }
}

task<std::size_t> redis_queue::handle_dead(std::string group, messaging::dead_letter_filter which,
                                           bool purges) {
  return handle_letters(shared_from_this(), std::move(group), which, purges);
}
task<std::size_t> redis_queue::handle_letters(ptr self, std::string group,
                                              messaging::dead_letter_filter which, bool purges) {
  std::size_t handled = 0;
  std::string last;  // a message that dies again later is not taken again
  std::int64_t next = 0;
  const char* const call = purges ? "queue::purge" : "queue::redrive";
  const bool staggered = which.per_second > 0;
  while (next >= 0 && handled < which.at_most) {
    self->require_open(call);
    const std::size_t most = std::min<std::size_t>(which.at_most - handled, staggered ? 1 : 100);
    std::vector<std::string> words{"bury",
                                   group,
                                   purges ? "1" : "0",
                                   std::to_string(most),
                                   last,
                                   std::to_string(next),
                                   std::to_string(which.id),
                                   std::string(which.key),
                                   std::string(which.reason)};
    auto handling = step(self, std::move(words), call);
    const std::vector<value> reply = co_await std::move(handling);
    const std::size_t some = number_in(reply.at(1));
    handled += some;
    last = std::to_string(reply.at(2).integer());
    next = reply.at(3).integer();
    if (staggered && some != 0 && next >= 0 && handled < which.at_most)
      co_await sleep_for(std::chrono::duration<double>(1 / which.per_second));
  }
  co_return handled;
}

task<std::vector<messaging::dead_letter>> redis_queue::dead_letters(std::string group) {
  return list_dead(shared_from_this(), std::move(group));
}
task<std::vector<messaging::dead_letter>> redis_queue::list_dead(ptr self, std::string group) {
  std::vector<messaging::dead_letter> all;
  for (std::int64_t next = 0; next >= 0;) {
    std::vector<std::string> words{"dead", group, std::to_string(next)};
    auto listing = step(self, std::move(words), "queue::dead_letters", true);
    const std::vector<value> reply = co_await std::move(listing);
    for (const value& each : reply.at(1).array()) all.push_back(letter_in(each));
    next = reply.at(2).integer();
  }
  co_return all;
}

task<messaging::queue_metrics> redis_queue::metrics() { return count(shared_from_this()); }
task<messaging::queue_metrics> redis_queue::count(ptr self) {
  messaging::queue_metrics all;
  std::vector<std::string> words{"metrics"};
  auto counting = step(self, std::move(words), "queue::metrics", true);
  const std::vector<value> reply = co_await std::move(counting);
  const std::vector<value>& meta = reply.at(1).array();
  all.messages = number_in(meta.at(0));
  all.bytes = number_in(meta.at(1));
  all.sent = number_in(meta.at(2));
  all.duplicates = number_in(meta.at(3));
  all.refused = self->refused_;
  for (const value& each : reply.at(2).array()) all.groups.push_back(group_in(each));
  co_return all;
}

task<> redis_queue::check() { return check_keys(shared_from_this()); }
task<> redis_queue::check_keys(ptr self) {
  std::vector<std::string> words{"check"};
  auto checking = step(self, std::move(words), "queue::check", true);
  const std::vector<value> reply = co_await std::move(checking);
  if (reply[0].text() != "ok") throw std::logic_error("queue::check: " + reply.at(1).text());
}

}  // namespace braid::redis::detail
