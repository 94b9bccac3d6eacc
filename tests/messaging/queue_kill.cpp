// A loaded queue whose process is killed, again and again.

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/loop/loop.hpp"
#include "braid/messaging/queue.hpp"
#include "braid/messaging/queue_snapshot.hpp"
#include "catch.hpp"
#include "descriptors.hpp"
#include "scratch_folder.hpp"

namespace {

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;
using messaging::delivery;
using messaging::queue;
using messaging::queue_snapshot;

constexpr const char* group_names[] = {"all", "also"};
constexpr messaging::queue_options small_files{.most_messages = 400, .segment_bytes = 20'000};
constexpr std::string_view keys = "abc";

// What the process tells of its work, in the order in which it happens. A number is one of a key's.
struct told {
  enum kind : std::uint32_t { sending, sent, delivered, acking, acked } what = sending;
  std::uint32_t group = 0, key = 0, attempt = 0;
  std::uint64_t number = 0, id = 0, token = 0;
};
void tell(int to, const told& what) {
  if (::write(to, &what, sizeof what) != sizeof what) ::_exit(1);
}

std::string body_of(std::uint64_t key, std::uint64_t number) {
  std::string body = keys[key] + std::to_string(number) + ' ';
  return body.append(number % 300, 'x');
}
told told_of(const delivery& one, std::uint32_t group) {
  told of{told::delivered, group};
  of.key = static_cast<std::uint32_t>(keys.find(one.body().at(0)));
  of.number = std::stoull(one.body().substr(1));
  if (one.body() != body_of(of.key, of.number)) of.number = 0;  // nothing has that
  of.attempt = one.attempt();
  of.id = one.id();
  of.token = one.token();
  return of;
}

task<> send_always(queue& to, std::uint32_t key, std::uint64_t number, int said) {
  for (;; ++number) {
    told what{told::sending, 0, key};
    what.number = number;
    tell(said, what);
    const std::string body = body_of(key, number);
    const std::string_view its_key = keys.substr(key, 1);
    what.id = co_await to.send(body, {.key = its_key, .priority = static_cast<int>(number % 3)});
    what.what = told::sent;
    tell(said, what);
  }
}

task<> settle(delivery& one, told what, int said) {
  tell(said, what);
  if (what.token % 5 == 0) {
    co_await one.nack(0s, "once more");
  } else {
    what.what = told::acking;
    tell(said, what);
    co_await one.ack();
    what.what = told::acked;
    tell(said, what);
  }
}
task<> receive_always(queue& from, int said) {
  for (;;) {
    delivery one = co_await from.receive(group_names[0]);
    co_await settle(one, told_of(one, 0), said);
  }
}

task<> work_always(std::filesystem::path directory, std::uint64_t first, int said) {
  queue jobs = co_await queue::open(std::move(directory), small_files);
  for (const char* const group : group_names) co_await jobs.make_group(group, {.attempts = 1'000'000});
  const auto handle = [said](delivery& one) { return settle(one, told_of(one, 1), said); };
  auto all =
      when_all(send_always(jobs, 0, first, said), send_always(jobs, 1, first, said),
               send_always(jobs, 2, first, said), receive_always(jobs, said), receive_always(jobs, said),
               receive_always(jobs, said), jobs.consume(group_names[1], handle, {.concurrency = 3}));
  co_await std::move(all);
}

// What is known of a group, and of the messages that it must still have.
struct known_group {
  std::map<std::uint64_t, std::uint32_t> attempts;
  std::map<std::uint64_t, std::uint64_t> tokens;
  std::set<std::uint64_t> acking, acked;
  std::array<std::set<std::uint64_t>, keys.size()> open;
};
struct known_queue {
  std::array<std::set<std::uint64_t>, keys.size()>
      begun;  // numbers of a key whose send may have been written
  std::set<std::uint64_t> sent;
  std::array<known_group, 2> groups;
};

void note_delivery(known_queue& all, const told& what) {
  known_group& in = all.groups[what.group];
  CHECK(all.begun.at(what.key).count(what.number) != 0);  // else it was invented
  CHECK(in.acked.count(what.id) == 0);
  CHECK(what.attempt > std::exchange(in.attempts[what.id], what.attempt));
  CHECK(what.token > std::exchange(in.tokens[what.id], what.token));
  const auto& line = in.open[what.key];
  CHECK((line.empty() || *line.begin() >= what.id));  // else the head of its key was passed
}
void note(known_queue& all, const told& what) {
  switch (what.what) {
    case told::sending: all.begun[what.key].insert(what.number); break;
    case told::sent:
      all.sent.insert(what.id);
      for (known_group& each : all.groups)
        if (each.acking.count(what.id) == 0) each.open[what.key].insert(what.id);
      break;
    case told::delivered: note_delivery(all, what); break;
    case told::acking:
      all.groups[what.group].acking.insert(what.id);
      all.groups[what.group].open[what.key].erase(what.id);
      break;
    case told::acked: all.groups[what.group].acked.insert(what.id); break;
  }
}

// Nothing is in limbo: each message that must be there is, and none that must not.
void check_files(loop& here, const std::filesystem::path& directory, const known_queue& all) {
  const queue_snapshot now = here.run(queue_snapshot::open(directory));
  CHECK(now.recovery().damaged.empty());
  const auto metrics = now.metrics();
  if (metrics.groups.size() != 2) {
    CHECK(all.sent.empty());
    return;
  }
  for (std::size_t i = 0; i != 2; ++i) {
    std::set<std::uint64_t> found;
    for (const auto& each : now.messages(group_names[i])) {
      found.insert(each.id);
      CHECK(each.state != messaging::message_state::dead);
    }
    for (const auto& line : all.groups[i].open)
      for (const std::uint64_t id : line)
        if (found.count(id) == 0) FAIL("the message " << id << " is lost");
    for (const std::uint64_t id : found)
      if (all.groups[i].acked.count(id) != 0) FAIL("the message " << id << " is there again");
  }
}

task<> finish_all(queue& jobs, known_queue& all) {
  for (std::uint32_t group = 0; group != 2; ++group)
    for (;;) {
      const auto now = co_await jobs.metrics();
      if (now.groups[group].ready == 0) break;
      delivery one = co_await jobs.receive(group_names[group]);
      const told what = told_of(one, group);
      note_delivery(all, what);
      all.groups[group].open[what.key].erase(what.id);
      co_await one.ack();
    }
}

}  // namespace

// BRAID_TEST_KILLS=1000 in the environment kills so often.
TEST_CASE("queue: kill -9 at any moment loses nothing acknowledged, and repeats nothing",
          "[messaging][queue][kill]") {
  const char* const asked = std::getenv("BRAID_TEST_KILLS");
  const int kills = asked != nullptr ? std::atoi(asked) : 8;
  const scratch_folder folder;
  const std::filesystem::path directory = folder / "jobs";
  known_queue all;
  for (int i = 0; i != kills; ++i) {
    pipe_ends said;
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      loop here;
      here.run(work_always(directory, static_cast<std::uint64_t>(i + 1) * 100'000, said.writer()));
      ::_exit(1);
    }
    said.close_writer();
    // Kills it after some words, or while it opens the queue.
    told word;
    for (int words = 0; words < i * 37 % 331; ++words) {
      if (::read(said.reader(), &word, sizeof word) != sizeof word) break;
      note(all, word);
    }
    ::kill(child, SIGKILL);
    while (::read(said.reader(), &word, sizeof word) == sizeof word) note(all, word);
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));

    loop here;
    if (std::filesystem::exists(directory)) check_files(here, directory, all);
    if (i % 3 != 0) continue;
    queue jobs = here.run(queue::open(directory, small_files));
    CHECK(jobs.recovery().damaged.empty());
    here.run(jobs.check());
    here.run(jobs.close());
    check_files(here, directory, all);
  }
  loop here;
  queue jobs = here.run(queue::open(directory, small_files));
  here.run(finish_all(jobs, all));
  here.run(jobs.check());
  CHECK(here.run(jobs.metrics()).messages == 0);
  here.run(jobs.close());
  for (const known_group& each : all.groups)
    for (const auto& line : each.open) CHECK(line.empty());
  CHECK(all.sent.size() > static_cast<std::size_t>(kills));
}
