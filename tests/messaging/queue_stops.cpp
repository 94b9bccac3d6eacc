// The queue where its operations are cancelled, its loop ends, or memory is lacking.

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "braid/combine/when_any_settled.hpp"
#include "braid/loop/loop.hpp"
#include "braid/messaging/queue.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/sim/world.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "catch.hpp"
#include "descriptors.hpp"
#include "every_allocation.hpp"
#include "every_cancellation.hpp"
#include "scratch_folder.hpp"

namespace {

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

// An operation may fail for want of memory; then the program goes on.
template <class T>
task<std::optional<T>> unless_out_of_memory(task<T> what) {
  auto trying = as_result(std::move(what));
  result<T> done = co_await std::move(trying);
  if (done) co_return std::move(done).value();
  if (!is_out_of_memory(done.error())) done.error().rethrow();
  co_return std::nullopt;
}
task<bool> unless_out_of_memory(task<> what) {
  auto trying = as_result(std::move(what));
  const result<void> done = co_await std::move(trying);
  if (!done && !is_out_of_memory(done.error())) done.error().rethrow();
  co_return done.has_value();
}

struct totals {
  std::size_t messages = 0, open = 0, dead = 0;
  friend bool operator==(const totals&, const totals&) = default;
};
task<totals> totals_of(const messaging::queue& in) {
  const auto now = co_await in.metrics();
  totals all{.messages = now.messages};
  for (const auto& each : now.groups) {
    all.open += each.ready + each.delayed + each.leased;
    all.dead += each.dead;
  }
  co_return all;
}

task<> use_a_queue(std::string directory) {
  messaging::queue jobs = co_await messaging::queue::open(directory, {.segment_bytes = 400});
  (void)co_await unless_out_of_memory(jobs.make_group("a", {.attempts = 2}));
  (void)co_await unless_out_of_memory(jobs.make_group("b"));
  const auto made = co_await jobs.metrics();
  if (made.groups.size() != 2) co_return;
  const messaging::outgoing two[] = {{"one", {.key = "k", .idempotency_key = "i"}}, {"two", {.key = "k"}}};
  (void)co_await unless_out_of_memory(jobs.send_all(two));
  co_await jobs.check();
  (void)co_await unless_out_of_memory(jobs.send("one", {.key = "k", .idempotency_key = "i"}));
  for (int i = 0; i != 3; ++i) {
    const totals now = co_await totals_of(jobs);
    if (now.messages != 2) break;
    auto one = co_await unless_out_of_memory(jobs.receive("a"));
    co_await jobs.check();
    if (one && i == 0) (void)co_await unless_out_of_memory(one->nack(0s, "not yet"));
    if (one && i > 0) (void)co_await unless_out_of_memory(one->ack());
    co_await jobs.check();
  }
  const totals before = co_await totals_of(jobs);
  const bool closed = co_await unless_out_of_memory(jobs.close());
  if (!closed) co_return;
  messaging::queue again = co_await messaging::queue::open(directory);
  co_await again.check();
  const totals after = co_await totals_of(again);
  co_await again.close();
  if (before != after) throw std::runtime_error("the log says something else than the queue did");
}

// Works on three messages, of which the handler refuses two: then they are dead.
task<bool> consume_all(messaging::queue& jobs) {
  const auto handle = [](messaging::delivery& job) -> task<> {
    if (job.body() != "good") throw std::runtime_error("it is bad");
    co_return;
  };
  auto both = when_any_settled(jobs.consume("a", handle, {.concurrency = 2}),
                               jobs.drain(loop_clock::time_point::max()));
  const auto race = co_await std::move(both);
  co_await jobs.check();
  const result<bool>& drained = std::get<1>(race.results);
  if (race.index == 1 && drained) co_return *drained;
  const error why = race.index == 1 ? drained.error() : std::get<0>(race.results).error();
  if (!is_out_of_memory(why)) why.rethrow();
  co_return false;
}

task<> manage_a_queue(std::string directory) {
  messaging::queue jobs = co_await messaging::queue::open(directory, {.segment_bytes = 400});
  const bool made = co_await unless_out_of_memory(jobs.make_group("a", {.attempts = 1}));
  if (!made) co_return;
  const messaging::outgoing three[] = {{"bad", {.key = "k"}}, {"good", {.key = "k"}}, {"worse"}};
  (void)co_await unless_out_of_memory(jobs.send_all(three));
  const bool paused = co_await unless_out_of_memory(jobs.pause("a"));
  const auto then = co_await jobs.metrics();
  if (paused != then.groups[0].paused) throw std::runtime_error("a pause is half done");
  const bool resumed = co_await unless_out_of_memory(jobs.resume("a"));
  if (!resumed) co_return;
  const bool drained = co_await consume_all(jobs);
  if (drained) {
    const auto redriven = co_await unless_out_of_memory(jobs.redrive("a", {.reason = "bad", .at_most = 1}));
    co_await jobs.check();
    if (redriven == std::size_t{1}) {
      auto one = co_await unless_out_of_memory(jobs.receive("a"));
      if (one && one->attempt() != 1) throw std::runtime_error("a redriven message has all its attempts");
      if (one) (void)co_await unless_out_of_memory(one->ack());
    }
    co_await jobs.check();
    (void)co_await unless_out_of_memory(jobs.purge("a", {.reason = "bad"}));
    co_await jobs.check();
  }
  const totals before = co_await totals_of(jobs);
  const bool closed = co_await unless_out_of_memory(jobs.close());
  if (!closed) co_return;
  messaging::queue again = co_await messaging::queue::open(directory);
  co_await again.check();
  const totals after = co_await totals_of(again);
  const auto now = co_await again.metrics();
  co_await again.close();
  if (before != after || now.groups[0].paused)
    throw std::runtime_error("the log says something else than the queue did");
}

// A sync costs nothing in memory.
std::filesystem::path quick_place() {
  return std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : std::filesystem::temp_directory_path();
}

}  // namespace

TEST_CASE("queue: whatever stops its operations, its index is what its log says", "[messaging][queue]") {
  const scratch_folder folder(quick_place());
  int round = 0;
  const auto program = [&]() -> task<> { return use_a_queue(folder / std::to_string(++round)); };
  CHECK(every_cancellation(program) > 20);
}

TEST_CASE("queue: whatever stops its consumers and its owner, its index is what its log says",
          "[messaging][queue]") {
  const scratch_folder folder(quick_place());
  int round = 0;
  const auto program = [&]() -> task<> { return manage_a_queue(folder / std::to_string(++round)); };
  CHECK(every_cancellation(program) > 20);
}

TEST_CASE("queue: a forked child can change nothing, and shares the directory", "[messaging][queue]") {
  const scratch_folder folder;
  const std::filesystem::path directory = folder / "jobs";
  loop here;
  std::optional<messaging::queue> jobs(here.run(messaging::queue::open(directory)));
  here.run(jobs->make_group("all"));
  here.run(jobs->send("one"));
  auto one = here.run(jobs->receive("all"));
  pipe_ends asked, answered;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const auto is_refused = [](task<> what) {
      const result<void> done = run(as_result(std::move(what)));
      return !done && done.error() == make_error_code(messaging::errc::queue_closed);
    };
    const auto send = [&]() -> task<> { (void)co_await jobs->send("two"); };
    const bool refused = is_refused(send()) && is_refused(one.ack()) && is_refused(jobs->pause("all"));
    jobs.reset();
    char word = refused ? 'y' : 'n';
    (void)!::write(answered.writer(), &word, 1);
    (void)!::read(asked.reader(), &word, 1);
    ::_exit(0);
  }
  char word = 0;
  CHECK((::read(answered.reader(), &word, 1) == 1 && word == 'y'));
  here.run(one.ack());
  here.run(jobs->send("two"));
  here.run(jobs->close());
  const auto busy = here.run(as_result(messaging::queue::open(directory)));
  CHECK((!busy && busy.error() == std::errc::device_or_resource_busy));
  CHECK(::write(asked.writer(), &word, 1) == 1);
  int status = 0;
  CHECK((::waitpid(child, &status, 0) == child && WIFEXITED(status)));
  messaging::queue again = here.run(messaging::queue::open(directory));
  CHECK((again.recovery().damaged.empty() && here.run(again.metrics()).messages == 1));
  here.run(again.check());
  here.run(again.close());
}

TEST_CASE("queue: a cancelled receive takes no message and burns no attempt", "[messaging][queue][sim]") {
  const auto program = []() -> task<> {
    messaging::queue jobs = co_await messaging::queue::open("/jobs");
    co_await jobs.make_group("all");
    co_await jobs.send("one");
    // Stopped after each time until it is faster than that.
    bool received = false;
    for (auto time = 0us; !received; time += 5us) {
      auto receiving = spawn(jobs.receive("all"));
      co_await sleep_for(time);
      received = receiving.is_ready();
      receiving.request_stop();
      auto ending = as_result(std::move(receiving));
      result<messaging::delivery> ended = co_await std::move(ending);
      co_await jobs.check();
      if (!ended) CHECK(ended.error() == std::errc::operation_canceled);
      if (ended) CHECK(ended->attempt() == 1);
      received = ended.has_value();
    }
    co_await jobs.close();
  };
  sim::world here(1);
  const sim::disk_options slow{.least_latency = 10us, .most_latency = 10us};
  sim::host& at = here.add_host("disk", {.disk = slow});
  here.run_on(at, program());
}

TEST_CASE("queue: a queue that is destroyed ends what waits", "[messaging][queue][sim]") {
  const auto program = []() -> task<> {
    std::optional<messaging::queue> jobs(co_await messaging::queue::open("/jobs", {.most_messages = 1}));
    co_await jobs->make_group("all");
    auto receiving = spawn(jobs->receive("all"));
    auto also = spawn(jobs->receive("all"));
    auto first = spawn(jobs->send("first"));
    auto second = spawn(jobs->send("second"));
    co_await sleep_for(1us);
    jobs.reset();
    auto one = as_result(std::move(first));
    const auto sent = co_await std::move(one);
    CHECK(sent.has_value());
    for (future<messaging::delivery>* const each : {&receiving, &also}) {
      auto ending = as_result(std::move(*each));
      const auto received = co_await std::move(ending);
      CHECK((!received && received.error() == make_error_code(messaging::errc::queue_closed)));
    }
    auto two = as_result(std::move(second));
    const auto unsent = co_await std::move(two);
    CHECK((!unsent && unsent.error() == make_error_code(messaging::errc::queue_closed)));
  };
  sim::world here(1);
  const sim::disk_options slow{.least_latency = 10us, .most_latency = 10us};
  sim::host& at = here.add_host("disk", {.disk = slow});
  here.run_on(at, program());
}
