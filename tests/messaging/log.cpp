#include "braid/messaging/log.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/combine/with_timeout.hpp"
#include "braid/loop/loop.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "catch.hpp"
#include "descriptors.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "log_records.hpp"
#include "scratch_folder.hpp"

namespace {

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;
using messaging::durability;
using messaging::log_options;

task<std::uint64_t> append_from(messaging::log& to, std::uint64_t first, std::uint64_t last) {
  std::uint64_t at = 0;
  for (std::uint64_t n = first; n <= last; ++n) {
    const std::string body = nth_body(n);
    at = co_await to.append(body);
  }
  co_return at;
}

// [sample]
task<> keep_orders(const std::filesystem::path& directory) {
  messaging::log orders = co_await messaging::log::open(directory);
  const std::uint64_t first = co_await orders.append("order 1");  // on the device now
  co_await orders.append("seen", durability::interval(100ms));    // soon

  auto all = orders.read(first);
  while (true) {
    const auto each = co_await all.next();
    if (!each) break;
    if (!*each)
      std::cerr << each->error().message() << '\n';  // a damaged record, with its file and offset
    else
      std::cout << each->value().sequence << ": " << each->value().bytes << '\n';
  }
  co_await orders.truncate_front(first + 1);  // what is done is of no more use
  co_await orders.close();
}
// [/sample]

}  // namespace

TEST_CASE("log: the sample of docs/messaging.md", "[messaging][log]") {
  const scratch_folder folder;
  run(keep_orders(folder / "orders"));
  CHECK(std::filesystem::exists(folder / "orders" / "00000000000000000001.segment"));
}

TEST_CASE("log: what was appended is read, now and after it was opened again", "[messaging][log]") {
  const scratch_folder folder;
  const bool direct = GENERATE(false, true);
  const auto how =
      GENERATE(as<durability>{}, durability::synced, durability::written, durability::interval(1ms));
  const log_options options{.durability = how, .segment_bytes = 1500, .direct = direct};
  const auto program = [&]() -> task<> {
    std::uint64_t last = 0;
    for (int round = 0; round != 4; ++round) {
      auto journal = co_await messaging::log::open(folder / "log", options);
      CHECK(journal.last() == last);
      CHECK_FALSE(journal.recovery().cut);
      CHECK(journal.recovery().damaged.empty());
      last = co_await append_from(journal, last + 1, last + 9);
      CHECK(last == static_cast<std::uint64_t>(9 * (round + 1)));
      const log_contents found = co_await contents_of(journal);
      CHECK(is_prefix(found, last));
      const log_contents later = co_await contents_of(journal, last - 2);
      CHECK(later.records.size() == 3);
      // A sync that is due keeps the directory.
      const bool is_due = how.kind() == durability::level::interval;
      if (round % 2 == 0 || is_due) co_await journal.close();
    }
    auto reader = co_await messaging::log::open(folder / "log", {.read_only = true});
    const log_contents found = co_await contents_of(reader);
    CHECK(is_prefix(found, last));
    CHECK(reader.segments().size() > 2);
    const auto refused = co_await as_result(reader.append("x"));
    CHECK(refused.error() == messaging::errc::log_closed);
  };
  loop here;
  try {
    here.run(program());
  } catch (const std::system_error& why) {
    if (!direct || why.code() != std::errc::invalid_argument) throw;  // this file system has no O_DIRECT
  }
}

TEST_CASE("log: append in every style", "[messaging][log]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  loop here;
  std::optional<messaging::log> journal(here.run(messaging::log::open(folder / "log")));
  if (style.is == any_style::blocking) {  // makes a loop for each call, and a log has one
    CHECK(here.run(journal->append("one")) == 1);
  } else {
    CHECK(style.wait(journal->append("one")).value() == 1);
    CHECK(style.wait(journal->append("two", durability::written)).value() == 2);
    CHECK(style.wait(journal->sync()));
    CHECK(journal->durable() == 2);
    CHECK(style.wait(journal->truncate_front(2)));
    CHECK(style.wait(journal->truncate_back(2)));
    CHECK(journal->last() == 1);
  }
  CHECK(here.run(contents_of(*journal)).records.at(1) == "one");
  here.run(journal->close());
  CHECK(here.run(as_result(journal->append("late"))).error() == messaging::errc::log_closed);
}

TEST_CASE("log: appends that wait together share one write and one sync", "[messaging][log]") {
  const scratch_folder folder;
  loop here;
  auto journal = here.run(messaging::log::open(folder / "log"));
  std::vector<task<std::uint64_t>> all;
  const std::string body(100, 'x');
  for (int i = 0; i != 256; ++i) all.push_back(journal.append(body));
  const std::vector<std::uint64_t> numbers = here.run(when_all(std::move(all)));
  for (std::uint64_t i = 0; i != 256; ++i) CHECK(numbers[i] == i + 1);
  CHECK(journal.metrics().appends == 256);
  CHECK(journal.metrics().batches == 1);
  CHECK(journal.metrics().syncs == 1);

  // Those that append again once they have been woken do so, too.
  const auto rounds = [&]() -> task<> {
    for (int i = 0; i != 10; ++i) co_await journal.append(body);
  };
  std::vector<task<>> many;
  for (int i = 0; i != 64; ++i) many.push_back(rounds());
  here.run(when_all(std::move(many)));
  CHECK(journal.metrics().batches <= 1 + 10 + 1);
  here.run(journal.close());
}

TEST_CASE("log: one log at a time has a directory", "[messaging][log]") {
  const scratch_folder folder;
  loop here;
  auto first = here.run(messaging::log::open(folder / "log"));
  const auto second = here.run(as_result(messaging::log::open(folder / "log")));
  REQUIRE_FALSE(second);
  CHECK(second.error() == std::errc::device_or_resource_busy);
  CHECK(second.error().message().find((folder / "log").string()) != std::string::npos);
  (void)here.run(messaging::log::open(folder / "log", {.read_only = true}));
  here.run(first.close());
  auto third = here.run(messaging::log::open(folder / "log"));

  // A process that was forked meanwhile shares the lock, until it ends or calls exec.
  pipe_ends until;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    until.close_writer();
    char none = 0;
    ::_exit(::read(until.reader(), &none, 1) == 0 ? 0 : 1);
  }
  here.run(third.close());
  CHECK(here.run(as_result(messaging::log::open(folder / "log"))).error() ==
        std::errc::device_or_resource_busy);
  until.close_writer();
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
  auto fourth = here.run(messaging::log::open(folder / "log"));
  here.run(fourth.close());
}

TEST_CASE("log: a log that is destroyed ends what waits, and gives up its directory then",
          "[messaging][log]") {
  const scratch_folder folder;
  loop here;
  const auto program = [&]() -> task<> {
    std::optional<messaging::log> journal(co_await messaging::log::open(folder / "log"));
    const std::string one = nth_body(1), two = nth_body(2);
    auto first = spawn(journal->append(one));
    auto second = spawn(journal->append(two));
    journal.reset();
    const std::uint64_t at = co_await std::move(first);
    const std::uint64_t then = co_await std::move(second);
    CHECK((at == 1 && then == 2));
    for (;;) {  // the last step of the batch may still be to come
      auto opening = as_result(messaging::log::open(folder / "log"));
      auto again = co_await std::move(opening);
      if (!again && again.error() == std::errc::device_or_resource_busy) continue;
      const log_contents found = co_await contents_of(again.value());
      CHECK(is_prefix(found, 2));
      break;
    }
  };
  here.run(program());
}

TEST_CASE("log: a directory that takes no files is an error that names it", "[messaging][log]") {
  const scratch_folder folder;
  loop here;
  std::filesystem::create_directories(folder / "log" / "lock");
  const auto refused = here.run(as_result(messaging::log::open(folder / "log")));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message().find((folder / "log" / "lock").string()) != std::string::npos);
  const auto nowhere = here.run(as_result(messaging::log::open(folder / "no" / "log")));
  CHECK(nowhere.error() == std::errc::no_such_file_or_directory);
}

TEST_CASE("log: limits are errors that name the limit", "[messaging][log]") {
  const scratch_folder folder;
  loop here;
  auto journal = here.run(messaging::log::open(folder / "log", {.most_record_bytes = 10}));
  const auto refused = here.run(as_result(journal.append("eleven bytes")));
  CHECK(refused.error() == std::errc::message_size);
  CHECK(refused.error().message().find("most_record_bytes = 10") != std::string::npos);
  CHECK(here.run(journal.append("")) == 1);
  CHECK(here.run(contents_of(journal)).records.at(1).empty());
  CHECK_THROWS_AS(here.run(messaging::log::open(folder / "other", {.segment_bytes = 0})),
                  std::invalid_argument);
  // A record longer than a file, and than a batch, has a file of its own.
  auto small =
      here.run(messaging::log::open(folder / "small", {.segment_bytes = 1000, .most_batch_bytes = 1000}));
  const std::string large(300'000, 'l');
  for (int i = 0; i != 3; ++i) {
    here.run(small.append("short"));
    here.run(small.append(large));
  }
  CHECK(here.run(contents_of(small)).records.at(6) == large);
  CHECK(small.segments().size() == 6);
  here.run(small.close());
  here.run(journal.close());
}

TEST_CASE("log: follow waits for what is appended, until the log is closed", "[messaging][log]") {
  const scratch_folder folder;
  loop here;
  auto journal = here.run(messaging::log::open(folder / "log", {.segment_bytes = 700}));
  std::uint64_t all_seen = 0;
  const auto reader = [&]() -> task<> {
    std::uint64_t seen = 0;
    auto all = journal.follow(1);
    for (;;) {
      auto each = co_await all.next();
      if (!each) break;
      if (each->value().bytes != nth_body(++seen)) FAIL("the record " << seen << " has other bytes");
    }
    all_seen += seen;
  };
  const auto writer = [&]() -> task<> {
    for (std::uint64_t n = 1; n <= 30; n += 3) {
      co_await append_from(journal, n, n + 2);
      co_await yield();
    }
    co_await journal.close();
  };
  here.run(when_all(reader(), writer(), reader()));
  CHECK(all_seen == 60);
}

TEST_CASE("log: the front is removed by whole files, by hand or by retention", "[messaging][log]") {
  const scratch_folder folder;
  loop here;
  auto journal = here.run(messaging::log::open(folder / "log", {.segment_bytes = 500}));
  here.run(append_from(journal, 1, 20));
  const auto files = journal.segments();
  REQUIRE(files.size() > 4);
  here.run(journal.truncate_front(files[2].first + 1));
  CHECK(journal.first() == files[2].first);
  CHECK(here.run(contents_of(journal)).records.size() == 20 - files[1].last);
  const auto removed = here.run(as_result(contents_of(journal, 1)));
  CHECK(removed.error() == messaging::errc::record_removed);
  here.run(journal.truncate_front(1000));
  CHECK(journal.segments().size() == 1);
  here.run(journal.close());

  auto bounded =
      here.run(messaging::log::open(folder / "bounded", {.segment_bytes = 500, .retain_bytes = 2000}));
  here.run(append_from(bounded, 1, 50));
  std::uint64_t bytes = 0;
  for (const auto& each : bounded.segments()) bytes += each.bytes;
  CHECK(bytes <= 2000 + 500);
  CHECK(bounded.first() > 30);
  here.run(bounded.close());
}

TEST_CASE("log: the back is removed, and its numbers are given again", "[messaging][log]") {
  const scratch_folder folder;
  loop here;
  const std::uint64_t from = GENERATE(1, 2, 5, 9, 19, 20, 21);
  auto journal = here.run(messaging::log::open(folder / "log", {.segment_bytes = 500}));
  here.run(append_from(journal, 1, 20));
  here.run(journal.truncate_back(from));
  CHECK(journal.last() == std::min<std::uint64_t>(from - 1, 20));
  CHECK(is_prefix(here.run(contents_of(journal)), journal.last()));
  const std::uint64_t next = journal.last() + 1;
  CHECK(here.run(append_from(journal, next, next)) == next);
  here.run(journal.close());
  auto again = here.run(messaging::log::open(folder / "log", {.segment_bytes = 500}));
  CHECK(is_prefix(here.run(contents_of(again)), next));
  here.run(again.close());
}

TEST_CASE("log: a cancelled append ends at once, and is whole in the log or not at all", "[messaging][log]") {
  const scratch_folder folder;
  int round = 0;
  const auto program = [&]() -> task<> {
    const auto directory = folder / std::to_string(++round);
    auto journal = co_await messaging::log::open(directory);
    const std::string one = nth_body(1), two = nth_body(2);
    auto both = when_all(journal.append(one), journal.append(two));
    co_await std::move(both);
    auto all = journal.read(1);
    std::size_t seen = 0;
    while (true) {
      auto each = co_await all.next();
      if (!each) break;
      seen += each->value().bytes.size();
    }
    if (seen != one.size() + two.size()) throw std::runtime_error("bytes are missing");
    co_await journal.truncate_back(2);
    co_await journal.close();
  };
  CHECK(every_cancellation(program) > 10);

  // Withdrawn before its batch was gathered.
  loop here;
  auto journal = here.run(messaging::log::open(folder / "log"));
  const auto scenario = [&]() -> task<> {
    stop_source stop;
    auto waiting = spawn(with_stop_token(journal.append("withdrawn"), stop.get_token()));
    auto other = spawn(journal.append("kept"));
    stop.request_stop();
    const auto ended = co_await as_result(std::move(waiting));
    CHECK(ended.error() == std::errc::operation_canceled);
    const std::uint64_t at = co_await std::move(other);
    CHECK(at == 1);
  };
  here.run(scenario());
  const log_contents found = here.run(contents_of(journal));
  CHECK(found.records.size() == 1);
  CHECK(found.records.at(1) == "kept");
  here.run(journal.close());
}

TEST_CASE("log: an unreadable file stops it with a clear error, unless asked to go on", "[messaging][log]") {
  const scratch_folder folder;
  loop here;
  const log_options options{.segment_bytes = 500};
  const auto fresh = [&](const std::string& name) {
    auto journal = here.run(messaging::log::open(folder / name, options));
    here.run(append_from(journal, 1, 12));
    auto files = journal.segments();
    here.run(journal.close());
    return files;
  };
  log_options skips = options;
  skips.skip_unreadable = true;

  const auto gone = fresh("gone");
  std::filesystem::remove(gone[1].file);
  {
    // A missing file cannot be told from its name alone; a reader finds it.
    auto journal = here.run(messaging::log::open(folder / "gone", options));
    const log_contents found = here.run(contents_of(journal));
    CHECK(found.records.size() == 12 - (gone[1].last - gone[1].first + 1));
    REQUIRE(found.damaged.size() == 1);
    CHECK(found.damaged[0].find(std::to_string(gone[1].first)) != std::string::npos);
    here.run(journal.close());
  }
  const auto foreign = fresh("foreign");
  std::filesystem::remove(foreign[1].file);
  std::filesystem::create_directory(foreign[1].file);
  const auto refused = here.run(as_result(messaging::log::open(folder / "foreign", options)));
  REQUIRE_FALSE(refused);
  CHECK(refused.error() == messaging::errc::unreadable_segment);
  CHECK(refused.error().message().find(foreign[1].file.string()) != std::string::npos);
  {
    auto journal = here.run(messaging::log::open(folder / "foreign", skips));
    const log_contents found = here.run(contents_of(journal));
    CHECK(found.records.size() == 12 - (foreign[1].last - foreign[1].first + 1));
    CHECK(found.damaged.size() == 1);
    here.run(journal.close());
  }
  const auto last = fresh("last");
  std::filesystem::remove(last.back().file);
  std::filesystem::create_directory(last.back().file);
  CHECK(here.run(as_result(messaging::log::open(folder / "last", options))).error() ==
        messaging::errc::unreadable_segment);
  {
    auto journal = here.run(messaging::log::open(folder / "last", skips));
    CHECK(here.run(journal.append("behind")) > 12);
    const log_contents found = here.run(contents_of(journal));
    CHECK(found.records.rbegin()->second == "behind");
    CHECK(found.damaged.size() == 1);
    here.run(journal.close());
  }
}

// ---- kill -9 --------------------------------------------------------------------------------------------

namespace {

// Appends until it is killed, and says so through the pipe once each append has ended.
[[noreturn]] void append_until_killed(const std::filesystem::path& directory, durability how, int said) {
  const auto program = [&]() -> task<> {
    auto journal = co_await messaging::log::open(directory, {.durability = how, .segment_bytes = 20'000});
    const auto appends = [&]() -> task<> {
      for (;;) {
        const std::string body = nth_body(journal.last(), 30 + journal.last() % 500);
        const std::uint64_t at = co_await journal.append(body);
        if (::write(said, &at, sizeof at) != sizeof at) ::_exit(1);
      }
    };
    co_await when_all(appends(), appends(), appends());
  };
  loop here;
  here.run(program());
  ::_exit(1);
}

}  // namespace

// BRAID_TEST_KILLS=1000 in the environment kills so often.
TEST_CASE("log: kill -9 at any moment loses nothing acknowledged", "[messaging][log][kill]") {
  const char* const asked = std::getenv("BRAID_TEST_KILLS");
  const int kills = asked != nullptr ? std::atoi(asked) : 20;
  const scratch_folder folder;
  std::uint64_t last = 0;
  for (int i = 0; i != kills; ++i) {
    pipe_ends said;
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0)
      append_until_killed(folder / "log", i % 2 == 0 ? durability::synced : durability::written,
                          said.writer());
    said.close_writer();
    // Kills it some acknowledged appends later.
    std::uint64_t acknowledged = 0;
    for (int count = 0; count <= i * 7 % 40; ++count)
      if (::read(said.reader(), &acknowledged, sizeof acknowledged) != sizeof acknowledged) break;
    ::kill(child, SIGKILL);
    std::uint64_t more = 0;
    while (::read(said.reader(), &more, sizeof more) == sizeof more)
      acknowledged = std::max(acknowledged, more);
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(WIFSIGNALED(status));

    loop here;
    auto journal = here.run(messaging::log::open(folder / "log", {.segment_bytes = 20'000}));
    CHECK(journal.last() >= acknowledged);
    CHECK(journal.last() >= last);
    last = journal.last();
    const log_contents found = here.run(contents_of(journal));
    CHECK(found.damaged.empty());
    CHECK(found.records.size() == last - journal.first() + 1);
    for (const auto& [sequence, body] : found.records) {
      const std::uint64_t n = std::stoull(body);
      if (body != nth_body(n, 30 + n % 500)) FAIL("the record " << sequence << " has other bytes");
    }
    here.run(journal.truncate_front(last > 500 ? last - 500 : 1));
    here.run(journal.close());
  }
}
