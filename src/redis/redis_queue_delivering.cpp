#include <algorithm>
#include <utility>

#include "braid/combine/with_timeout.hpp"
#include "braid/redis/error.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/get_stop_token.hpp"
#include "braid/style/start.hpp"
#include "redis_queue.hpp"

namespace braid::redis::detail {

static constexpr std::size_t most_reason_bytes = 500;

void redis_queue::group_waits::wake(std::int64_t most) noexcept {
  wakes += 1;
  for (; most > 0 && !waiting.empty(); --most) waiting.pop_front().go.set();
}

task<> redis_queue::wait_for_message(group_waits& in, std::int64_t next_due_ms) {
  waiting_receiver mine;
  loop_clock::duration most = patience();
  if (next_due_ms >= 0)
    most = std::min<loop_clock::duration>(most, std::chrono::milliseconds(next_due_ms + 1));
  in.waiting.push_back(mine);
  auto waiting = as_result(with_timeout(mine.go.wait(), most));
  const result<void> woken = co_await std::move(waiting);
  if (woken || woken.error().code().category() == timeout_category()) co_return;
  if (!mine.linked()) in.wake(1);  // it was woken for a message that it will not take
  woken.error().rethrow();
}

task<leased_message> redis_queue::receive(std::string group) {
  return receive_one(shared_from_this(), std::move(group));
}
task<leased_message> redis_queue::receive_one(ptr self, std::string group) {
  leased_message found;
  const char* const call = "queue::receive";
  self->require_open(call);
  const stop_token stop = co_await get_stop_token();
  group_waits& waits = self->groups_[group];
  for (;;) {
    self->require_open(call);
    event never;
    auto ending = never.wait();
    if (stop.stop_requested()) co_await std::move(ending);  // ends as cancelled
    const std::uint64_t wakes = waits.wakes;
    const loop_clock::time_point asked_at = loop_clock::now();
    // The number of a request that may have begun a delivery is used again: the server then gives that one.
    std::string number;
    if (waits.in_doubt.empty()) {
      number = std::to_string(++self->requests_);
    } else {
      number = std::move(waits.in_doubt.back());
      waits.in_doubt.pop_back();
    }
    std::vector<std::string> words{"receive", group, self->consumer_, number};
    auto asking = as_result(step(self, std::move(words), call, true));
    result<std::vector<value>> reply = co_await std::move(asking);
    if (!reply && may_have_been_done(reply.error())) waits.in_doubt.push_back(std::move(number));
    if (!reply) reply.error().rethrow();
    std::vector<value>& all = *reply;
    waits.number = all.at(1).integer();
    if (all[0].text() == "none") {
      self->start_listening();
      if (waits.wakes == wakes) co_await self->wait_for_message(waits, all.at(2).integer());
      continue;
    }
    found.lease.group = static_cast<std::uint32_t>(waits.number);
    found.lease.id = static_cast<std::uint64_t>(all.at(2).integer());
    found.lease.token = static_cast<std::uint64_t>(all.at(3).integer());
    found.attempt = static_cast<std::uint32_t>(all.at(4).integer());
    found.lease_time = std::chrono::milliseconds(all.at(5).integer());
    found.key = std::move(all.at(6)).text();
    found.body = std::move(all.at(7)).text();
    self->leases_.add(found.lease, loop_clock::later_than(asked_at, found.lease_time));
    if (!stop.stop_requested() && !self->closed_) co_return found;
    // Nobody may want it any more.
    outcome back{"return", call};
    back.is_own = true;
    auto giving_back = as_result(end(self, found.lease, std::move(back)));
    const result<void> given_back = co_await std::move(giving_back);
    if (!given_back && !self->closed_) co_return found;
  }
}

// ---- outcomes -------------------------------------------------------------------------------------------

task<> redis_queue::end(ptr self, lease_name lease, outcome how) {
  const bool extends = std::string_view(how.name) == "extend";
  if (!how.is_own) self->require_open(how.call);
  const loop_clock::time_point began = loop_clock::now();
  messaging::detail::held_leases::writing busy(self->leases_, lease);
  std::vector<std::string> words{"outcome",
                                 how.name,
                                 std::to_string(lease.group),
                                 std::to_string(lease.id),
                                 std::to_string(lease.token),
                                 std::to_string(in_ms(how.time)),
                                 std::move(how.reason)};
  auto ending = step(self, std::move(words), how.call, extends);
  const std::vector<value> reply = co_await std::move(ending);
  const bool is_stale = reply[0].text() == "stale";
  if (extends && !is_stale) self->leases_.extend(lease, loop_clock::later_than(began, how.time));
  if (!extends) busy.done();
  if (is_stale)
    self->failure(messaging::errc::stale_token, how.call,
                  "the token " + std::to_string(lease.token) + " of the message " + std::to_string(lease.id))
        .rethrow();
}

task<> redis_queue::ack(lease_name lease) { return end(shared_from_this(), lease, {"ack", "delivery::ack"}); }
task<> redis_queue::nack(lease_name lease, loop_clock::duration delay, std::string reason) {
  if (reason.size() > most_reason_bytes) reason.resize(most_reason_bytes);
  return end(shared_from_this(), lease, {"nack", "delivery::nack", delay, std::move(reason)});
}
task<> redis_queue::extend(lease_name lease, loop_clock::duration time) {
  return end(shared_from_this(), lease, {"extend", "delivery::extend", time});
}
task<> redis_queue::give_back(lease_name lease) {
  return end(shared_from_this(), lease, {"return", "delivery::give_back"});
}

// Without memory, or without a loop, the lease ends by itself.
task<> redis_queue::end_dropped(ptr self, lease_name lease) {
  outcome dropped{"drop", "delivery"};
  dropped.is_own = true;
  auto ending = as_result(end(self, lease, std::move(dropped)));
  (void)co_await std::move(ending);
}
void redis_queue::drop(lease_name lease) noexcept {
  if (!leases_.remove(lease)) return;
  try {
    detach(end_dropped(shared_from_this(), lease));
  } catch (...) {
    return;
  }
}

}  // namespace braid::redis::detail
