#include "queue_consuming.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/combine/when_any_settled.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/messaging/detail/queue_engine.hpp"
#include "braid/messaging/error.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/get_stop_token.hpp"
#include "braid/sync/event.hpp"

namespace braid::messaging::detail {

namespace {

using namespace std::chrono_literals;

constexpr loop_clock::duration pause_after_failure = 100ms;
const std::error_code stale = make_error_code(errc::stale_token);

// What the workers of a consume share, in its frame.
struct consuming {
  std::shared_ptr<queue_engine> engine;
  std::string group;
  queue::handler handle;
  consume_options how;
  std::uint64_t random;

  // Full jitter.
  loop_clock::duration wait_after(std::uint32_t attempt) noexcept {
    loop_clock::duration most = std::max(how.base, loop_clock::duration::zero());
    for (std::uint32_t i = 1; i < attempt && most < how.cap; ++i)
      most = most > how.cap / 2 ? how.cap : 2 * most;
    most = std::min(most, how.cap);
    std::uint64_t mixed = random += 0x9e3779b97f4a7c15u;  // splitmix64
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    const double share = static_cast<double>((mixed ^ (mixed >> 31)) >> 11) * 0x1p-53;
    return loop_clock::saturated(
        std::chrono::duration<double, std::nano>(share * static_cast<double>(most.count())));
  }
};

task<> run_handler(consuming& all, delivery& job) {
  auto running = all.handle(job);
  if (all.how.time_limit <= loop_clock::duration::zero()) {
    co_await std::move(running);
  } else {
    auto limited = with_timeout(std::move(running), all.how.time_limit);
    co_await std::move(limited);
  }
}

// Keeps the lease for as long as the handler runs, or until it has settled the delivery itself. Ends when
// the lease has ended nevertheless: another receiver may have the message.
task<> renew_lease(consuming& all, lease_name lease, loop_clock::duration time) {
  event never;
  loop_clock::duration pause = time / 3;
  for (;;) {
    auto pausing = as_result(with_timeout(all.engine->ended.wait(), pause));
    const result<void> closed = co_await std::move(pausing);  // if so, the extension says it
    if (!closed && closed.error().code().category() != timeout_category()) closed.error().rethrow();
    if (!all.engine->holds(lease)) break;
    auto extending = as_result(all.engine->extend(lease, time));
    const result<void> done = co_await std::move(extending);
    if (!done && !all.engine->holds(lease)) break;  // it was settled meanwhile
    if (!done && done.error() == stale) co_return;
    if (!done && !all.engine->may_pass(done.error())) done.error().rethrow();
    pause = done ? time / 3 : std::min(time / 12, pause_after_failure);
  }
  auto waiting = never.wait();
  co_await std::move(waiting);
}

task<> settle(consuming& all, lease_name lease, std::uint32_t attempt, result<void> ended, bool gives_back) {
  for (;;) {
    if (!all.engine->holds(lease)) co_return;  // the handler has settled it, or its lease has ended
    task<> outcome = ended        ? all.engine->ack(lease)
                     : gives_back ? all.engine->give_back(lease)
                                  : all.engine->nack(lease, all.wait_after(attempt), ended.error().message());
    auto settling = as_result(std::move(outcome));
    const result<void> done = co_await std::move(settling);
    if (done || done.error() == stale) co_return;  // stale: its lease has ended elsewhere
    if (!all.engine->may_pass(done.error())) done.error().rethrow();
    co_await sleep_for(pause_after_failure);
  }
}

task<> work_on_one(consuming& all, leased_message found) {
  const stop_token stop = co_await get_stop_token();
  const lease_name lease = found.lease;
  const loop_clock::duration time = found.lease_time;
  const std::uint32_t attempt = found.attempt;
  delivery job(all.engine, std::move(found));
  auto both = when_any_settled(run_handler(all, job), renew_lease(all, lease, time));
  auto race = co_await std::move(both);
  result<void> ended = std::move(std::get<0>(race.results));
  const result<void>& renewed = std::get<1>(race.results);
  if (race.index == 1 && !renewed && !stop.stop_requested())
    renewed.error().rethrow();  // the queue is closed
  const bool gives_back = !ended && stop.stop_requested() && ended.error() == std::errc::operation_canceled;
  auto settling = settle(all, lease, attempt, std::move(ended), gives_back);
  co_await std::move(settling);
}

task<> work(consuming& all) {
  const std::string group = all.group;
  for (;;) {
    auto receiving = as_result(all.engine->receive(group));
    result<leased_message> found = co_await std::move(receiving);
    if (!found && all.engine->may_pass(found.error())) {
      co_await sleep_for(pause_after_failure);
      continue;
    }
    auto working = work_on_one(all, std::move(found).value());
    co_await std::move(working);
  }
}

}  // namespace

task<> consume(std::shared_ptr<queue_engine> from, std::string group, queue::handler handle,
               consume_options how) {
  if (how.concurrency < 1) invalid_argument_error("queue::consume", "concurrency is at least 1").rethrow();
  const auto now = static_cast<std::uint64_t>(loop_clock::now().time_since_epoch().count());
  consuming all{std::move(from), std::move(group), std::move(handle), how, how.seed.value_or(now)};
  std::vector<task<>> workers;
  for (int i = 0; i != how.concurrency; ++i) workers.push_back(work(all));
  auto working = when_all(std::move(workers));
  co_await std::move(working);
}

}  // namespace braid::messaging::detail
