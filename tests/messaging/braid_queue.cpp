// The tool braid-queue, run as a user runs it. The build names it in BRAID_QUEUE_TOOL.

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>

#include "braid/loop/loop.hpp"
#include "braid/messaging/queue.hpp"
#include "catch.hpp"
#include "command.hpp"
#include "scratch_folder.hpp"

namespace {

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;
using messaging::queue;

said braid_queue(const std::string& arguments, const std::string& rest = " 2>&1") {
  return run_command("BRAID_QUEUE_TOOL", arguments, rest);
}

constexpr std::string_view binary("a\0b\n\\\xc3\xa4", 7);

task<> bury(queue& in, std::string reason) {
  messaging::delivery one = co_await in.receive("resize");
  co_await one.nack(0s, std::move(reason));
}

// Two groups: in "resize" two of three messages are dead.
task<> fill(queue& jobs) {
  co_await jobs.make_group("resize", {.attempts = 1});
  co_await jobs.make_group("index");
  co_await jobs.send("picture 7", {.key = "user 12"});
  co_await jobs.send(binary, {.priority = 3});
  co_await jobs.send("later", {.delay = 1h});
  co_await bury(jobs, "no room");  // the one of higher priority
  co_await bury(jobs, "no\tpicture");
}

task<> send_and_consume(std::filesystem::path directory, int ready) {
  queue jobs = co_await queue::open(std::move(directory), {.segment_bytes = 2000});
  co_await jobs.make_group("all");
  for (int i = 0;; ++i) {
    const std::string body = "message " + std::to_string(i);
    co_await jobs.send(body);
    messaging::delivery one = co_await jobs.receive("all");
    if (i % 5 != 0) co_await one.ack();
    if (i % 5 == 0) co_await one.nack(1h, "later");
    if (i == 20 && ::write(ready, "", 1) != 1) ::_exit(1);
  }
}

}  // namespace

TEST_CASE("braid-queue: shows a queue beside its program, and writes only without",
          "[messaging][braid_queue]") {
  const scratch_folder folder;
  const std::string directory = folder / "jobs";
  loop here;
  queue jobs = here.run(queue::open(directory));
  here.run(fill(jobs));

  const said counted = braid_queue("stats " + directory);
  CHECK(counted.code == 0);
  CHECK_THAT(counted.text, contains("3 messages of 21 bytes, in 1 file of "));
  CHECK_THAT(counted.text, contains("resize                            0          1          0          2"));
  CHECK_THAT(counted.text, contains("index                             2          1          0          0"));

  const said listed = braid_queue("list " + directory + " --group resize");
  CHECK(listed.code == 0);
  CHECK_THAT(listed.text, contains("user 12"));
  CHECK_THAT(listed.text, contains("refused: no\\x09picture\n"));
  CHECK_THAT(listed.text, contains("due 20"));
  CHECK_THAT(braid_queue("list " + directory + " --state dead").text, !contains("due 20"));
  CHECK_THAT(braid_queue("list " + directory + " --key nobody").text, !contains("resize"));

  const said seen = braid_queue("peek " + directory + " --group resize --state dead --at-most 5");
  CHECK(seen.code == 0);
  CHECK_THAT(seen.text, contains(" in resize: dead, sent 20"));
  CHECK_THAT(seen.text, contains("attempts 1, key user 12\n  attempt 1 at 20"));
  CHECK_THAT(seen.text, contains("refused: no room\n  a\\x00b\\x0a\\\\\xc3\xa4\n"));
  const std::uint64_t second = here.run(jobs.dead_letters("resize"))[0].id;
  const std::string named = " --group index --id " + std::to_string(second);
  CHECK(braid_queue("peek " + directory + named + " --raw").text == binary);
  CHECK(braid_queue("peek " + directory + " --raw").text == "picture 7");

  for (const std::string command :
       {"send --body x ", "redrive --group resize ", "purge --all --group resize "}) {
    CAPTURE(command);
    const said refused = braid_queue(command + directory);
    CHECK(refused.code == 3);
    CHECK_THAT(refused.text, contains(directory + ": another process has this queue open"));
  }
  const auto kept = here.run(jobs.metrics());
  CHECK((kept.messages == 3 && kept.groups[0].dead == 2));
  here.run(jobs.close());

  std::ofstream(folder / "body", std::ios::binary) << binary;
  const said sent = braid_queue("send " + directory + " --key k --priority 9 --idempotency-key once",
                                " <" + std::string(folder / "body") + " 2>&1");
  CHECK(sent.code == 0);
  CHECK(braid_queue("send " + directory + " --body x --idempotency-key once").text == sent.text);
  CHECK(braid_queue("send " + directory + " --body '' --delay 100").code == 0);
  CHECK(braid_queue("redrive " + directory + " --group resize --reason room").text ==
        "1 message will be delivered again\n");
  CHECK(braid_queue("purge " + directory + " --group resize --all").text == "removed 1 message\n");
  CHECK(braid_queue("purge " + directory + " --group resize --id 7").text == "removed 0 messages\n");

  queue again = here.run(queue::open(directory));
  here.run(again.check());
  const auto now = here.run(again.metrics());
  CHECK((now.messages == 5 && now.groups[0].dead == 0 && now.groups[0].ready == 2 &&
         now.groups[0].delayed == 2));
  auto first = here.run(again.receive("resize"));
  CHECK((std::to_string(first.id()) + '\n' == sent.text && first.body() == binary && first.key() == "k"));
  auto redriven = here.run(again.receive("resize"));
  CHECK((redriven.id() == second && redriven.attempt() == 1));
  here.run(again.close());
}

TEST_CASE("braid-queue: says what is wrong with what it is given", "[messaging][braid_queue]") {
  const scratch_folder folder;
  const std::string missing = folder / "missing";
  for (const std::string command : {"stats ", "send --body x ", "purge --all --group a "}) {
    CAPTURE(command);
    const said none = braid_queue(command + missing);
    CHECK(none.code == 3);
    CHECK_THAT(none.text, contains(missing));
    const said empty = braid_queue(command + folder.path().string());
    CHECK(empty.code == 3);
    CHECK_THAT(empty.text, contains(folder.path().string() + ": there is no queue in this directory"));
  }
  CHECK(std::filesystem::is_empty(folder.path()));  // none was made
  for (const char* const wrong :
       {"", "show x", "list x --state gone", "list x --at-most 0", "peek x --id 18446744073709551616",
        "send x --priority 10", "redrive x", "purge x --group a", "purge x --group a --all --id 7"}) {
    CAPTURE(wrong);
    const said refused = braid_queue(wrong);
    CHECK(refused.code == 2);
    CHECK_THAT(refused.text, contains("braid-queue: "));
  }
  CHECK_THAT(braid_queue("--help").text, contains("Exit codes"));

  const std::string directory = folder / "jobs";
  loop here;
  queue jobs = here.run(queue::open(directory));
  here.run(jobs.close());
  CHECK_THAT(braid_queue("send " + directory + " --body x").text, contains("it has none"));
  CHECK_THAT(braid_queue("list " + directory + " --group a").text, contains("(a)"));
  CHECK_THAT(braid_queue("redrive " + directory + " --group a").text, contains("(a)"));
  CHECK_THAT(braid_queue("peek " + directory).text, contains("no message is as asked for"));
  CHECK(braid_queue("stats " + directory, " >/dev/full 2>/dev/null").code == 3);

  // Damage is told of, and the rest is shown.
  queue more = here.run(queue::open(directory));
  here.run(more.make_group("a"));
  here.run(more.send("the body of the first message"));
  here.run(more.send("second"));
  here.run(more.close());
  const std::string file = directory + "/00000000000000000001.segment";
  std::string bytes(std::filesystem::file_size(file), '\0');
  std::ifstream(file, std::ios::binary).read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes[bytes.find("first message")] = 'F';
  std::ofstream(file, std::ios::binary) << bytes;
  const said damaged = braid_queue("stats " + directory);
  CHECK(damaged.code == 1);
  CHECK_THAT(damaged.text, contains(file + " at "));
  CHECK_THAT(damaged.text, contains("1 message of 6 bytes"));
}

TEST_CASE("braid-queue: sees no damage while a program writes", "[messaging][braid_queue]") {
  const scratch_folder folder;
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    {
      loop here;
      here.run(send_and_consume(folder / "jobs", ends[1]));
    }
    ::_exit(1);
  }
  char started = 0;
  CHECK(::read(ends[0], &started, 1) == 1);
  for (int i = 0; i != 3; ++i) {
    const said counted = braid_queue("stats " + std::string(folder / "jobs"));
    CHECK(counted.code == 0);
    CHECK_THAT(counted.text, !contains("braid-queue:"));
    const said seen = braid_queue("peek --state delayed --at-most 100 " + std::string(folder / "jobs"));
    CHECK(seen.code == 0);
    CHECK_THAT(seen.text, contains("refused: later\n  message 0\n"));
    CHECK_THAT(seen.text, !contains("braid-queue:"));
  }
  CHECK(braid_queue("send --body x " + std::string(folder / "jobs")).code == 3);
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
  ::close(ends[0]);
  ::close(ends[1]);
  CHECK(braid_queue("send --body x " + std::string(folder / "jobs")).code == 0);  // the directory is free
}
