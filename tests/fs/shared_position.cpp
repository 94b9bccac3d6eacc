// Descriptors that share an open file, and so its position: from dup(2), or inherited from a parent process.

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "braid/combine/when_all.hpp"
#include "braid/combine/with_stop_token.hpp"
#include "braid/fs/file.hpp"
#include "braid/fs/whole_file.hpp"
#include "braid/loop/direct_calls.hpp"
#include "braid/loop/nop.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/sim/choices.hpp"
#include "braid/sim/faulty.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/future.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "child_process.hpp"
#include "files.hpp"
#include "scratch_folder.hpp"
#include "seccomp.hpp"

using namespace braid;
using namespace std::chrono_literals;
using namespace braid_tests;

namespace {

file copy_of(const file& original) { return file::from_descriptor(::dup(original.number())); }
file plainly_opened(const std::filesystem::path& path) {
  return file::from_descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
}

// The first read does not begin for a day, unless its descriptor is closed or it is cancelled.
std::unique_ptr<reactor> holding_first_read(sim::fault_schedule& faults) {
  faults.add({.what = sim::fault::would_block, .nth = 1, .only = opcode::read, .delay = 24h});
  return sim::faulty(make_reactor({}), faults);
}

}  // namespace

TEST_CASE("file: simultaneous reads by two descriptors of one open file get successive bytes",
          "[fs][position]") {
  const scratch_folder folder;
  loop here;
  const std::string text = "0123456789abcdefghijklmnopqrstuv";
  here.run(write_file(folder / "text", text));
  const file first = here.run(open_file(folder / "text"));
  const file second = copy_of(first), third = copy_of(second);
  std::vector<std::string> rooms(text.size(), "?");
  std::vector<future<std::size_t>> reads;
  for (std::size_t n = 0; n < rooms.size(); ++n) {
    const file& from = n % 3 == 0 ? first : n % 3 == 1 ? second : third;
    reads.push_back(spawn(from.read_some(rooms[n])));
  }
  for (const std::size_t got : here.run(when_all(std::move(reads)))) CHECK(got == 1);
  std::string got;
  for (const std::string& each : rooms) got += each;
  CHECK(got == text);
  CHECK(position_of(second) == static_cast<off_t>(text.size()));
}

TEST_CASE("file: simultaneous writes by two descriptors of one open file do not overlap", "[fs][position]") {
  const int flags = GENERATE(0, O_DIRECT, O_APPEND, O_DIRECT | O_APPEND);
  const scratch_folder folder;
  const auto path = folder / "text";
  loop here;
  const file first = file::from_descriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | flags, 0666));
  if (!first.is_open()) return;  // this file system has no O_DIRECT
  const file second = copy_of(first);
  std::vector<aligned_page> pages(16);
  std::string expected;
  std::vector<future<std::size_t>> writes;
  for (std::size_t n = 0; n < pages.size(); ++n) {
    std::fill_n(pages[n].bytes, page, static_cast<char>('a' + n));
    expected += std::string(pages[n].bytes, page);
    writes.push_back(spawn((n % 2 == 0 ? first : second).write_some(std::span(pages[n].bytes))));
  }
  for (const std::size_t put : here.run(when_all(std::move(writes)))) CHECK(put == page);
  CHECK((here.run(read_file(path)) == expected));
  CHECK(position_of(first) == static_cast<off_t>(expected.size()));
}

TEST_CASE("file: write_all by two descriptors of one open file do not interleave", "[fs][position]") {
  const scratch_folder folder;
  loop here;
  const file first = here.run(open_file(folder / "text", O_WRONLY | O_CREAT));
  const file second = copy_of(first);
  const std::string a(300'000, 'a'), b(300'000, 'b'), c(300'000, 'c');
  here.run(when_all(first.write_all(a), second.write_all(b), first.write_all(c)));
  CHECK((here.run(read_file(folder / "text")) == a + b + c));
}

TEST_CASE("file: closing a descriptor begins the operation that waits on another descriptor of the file",
          "[fs][position][stop]") {
  const scratch_folder folder;
  sim::fault_schedule faults;
  loop here({}, holding_first_read(faults));
  here.run(write_file(folder / "text", "0123"));
  file first = here.run(open_file(folder / "text"));
  const file second = copy_of(first);
  std::string rooms[4] = {"??", "??", "??", "??"};
  auto held = spawn(first.read_exactly(rooms[0]));
  auto behind = spawn(second.read_exactly(rooms[1]));
  auto closed_too = spawn(first.read_exactly(rooms[2]));
  auto last = spawn(second.read_exactly(rooms[3]));
  here.run(nop());
  CHECK_FALSE(behind.is_ready());
  here.run(first.close());
  CHECK(here.run(as_result(std::move(held))).error() == std::errc::operation_canceled);
  CHECK(here.run(as_result(std::move(closed_too))).error() == std::errc::operation_canceled);
  here.run(when_all(std::move(behind), std::move(last)));
  CHECK(rooms[1] == "01");
  CHECK(rooms[3] == "23");
}

TEST_CASE("file: closing a descriptor cancels its operation that waits for another descriptor's turn",
          "[fs][position][stop]") {
  const bool by_destructor = GENERATE(false, true);
  const scratch_folder folder;
  sim::fault_schedule faults;
  loop here({}, holding_first_read(faults));
  here.run(write_file(folder / "text", "0123"));
  file first = here.run(open_file(folder / "text"));
  std::optional<file> second = copy_of(first);
  std::string rooms[4] = {"??", "??", "??", "??"};
  stop_source stop;
  auto held = spawn(with_stop_token(first.read_exactly(rooms[0]), stop.get_token()));
  auto behind = spawn(second->read_exactly(rooms[1]));
  auto left = spawn(with_stop_token(first.read_exactly(rooms[2]), stop.get_token()));
  auto last = spawn(first.read_exactly(rooms[3]));
  if (by_destructor)
    second.reset();
  else
    here.run(second->close());
  CHECK(here.run(as_result(std::move(behind))).error() == std::errc::operation_canceled);
  CHECK_FALSE(held.is_ready());
  stop.request_stop();
  CHECK(here.run(as_result(std::move(left))).error() == std::errc::operation_canceled);
  CHECK(here.run(as_result(std::move(held))).error() == std::errc::operation_canceled);
  here.run(std::move(last));
  CHECK(rooms[3] == "01");
}

TEST_CASE("file: separately opened files do not wait for each other", "[fs][position]") {
  const bool by_open_file = GENERATE(true, false);
  const scratch_folder folder;
  sim::fault_schedule faults;
  loop here({}, holding_first_read(faults));
  here.run(write_file(folder / "text", "0123"));
  file first = here.run(open_file(folder / "text"));
  const file second = by_open_file ? here.run(open_file(folder / "text")) : plainly_opened(folder / "text");
  std::string rooms[4] = {"??", "??", "??", "??"};
  auto held = spawn(first.read_exactly(rooms[0]));
  here.run(second.read_exactly(rooms[1]));
  CHECK(rooms[1] == "01");

  const file copy = copy_of(first);
  auto behind = spawn(copy.read_exactly(rooms[2]));
  here.run(second.read_exactly(rooms[3]));
  CHECK(rooms[3] == "23");
  CHECK_FALSE(behind.is_ready());
  here.run(first.close());
  here.run(std::move(behind));
  CHECK(rooms[2] == "01");
  CHECK_FALSE(here.run(as_result(std::move(held))));
}

TEST_CASE("file: reads many separately opened files at once, each by two descriptors in order",
          "[fs][position]") {
  const scratch_folder folder;
  loop here;
  here.run(write_file(folder / "text", "0123"));
  struct one {
    file opened, copy;
    std::string rooms[2] = {"??", "??"};
  };
  std::vector<std::unique_ptr<one>> all;
  std::vector<future<void>> reads;
  for (int n = 0; n < 50; ++n) {
    file opened = n % 2 == 0 ? here.run(open_file(folder / "text")) : plainly_opened(folder / "text");
    file copy = copy_of(opened);
    all.push_back(std::make_unique<one>(std::move(opened), std::move(copy)));
  }
  for (const auto& each : all) {
    reads.push_back(spawn(each->opened.read_exactly(each->rooms[0])));
    reads.push_back(spawn(each->copy.read_exactly(each->rooms[1])));
  }
  here.run(when_all(std::move(reads)));
  for (const auto& each : all) CHECK(each->rooms[0] + each->rooms[1] == "0123");
}

TEST_CASE(
    "direct_calls: an old kernel, or one that refuses, does not say whether two descriptors share a position",
    "[fs][position]") {
  const scratch_folder folder;
  const auto path = folder / "text";
  run(write_file(path, ""));
  const auto ended = in_child([&] {
    const file first = plainly_opened(path), copy = copy_of(first), other = plainly_opened(path);
    direct_calls& kernel = direct_calls::of_kernel();
    const auto answers = [&] {
      return kernel.share_position(first.number(), copy.number()) * 2 +
             kernel.share_position(first.number(), other.number());
    };
    forbid(SYS_fcntl, 1027, EINVAL);  // F_DUPFD_QUERY
    const int by_kcmp = answers();
    forbid(SYS_kcmp, EPERM);
    return by_kcmp * 4 + answers();
  });
  CHECK(ended.exit_status() == 0b10'11);  // if kcmp is forbidden, all descriptors count as shared
}

TEST_CASE("direct_calls: says whether two descriptors share a position", "[fs][position]") {
  const scratch_folder folder;
  run(write_file(folder / "text", ""));
  const file first = plainly_opened(folder / "text");
  const file copy = copy_of(first), other = plainly_opened(folder / "text");
  direct_calls& kernel = direct_calls::of_kernel();
  CHECK(kernel.share_position(first.number(), copy.number()));
  CHECK_FALSE(kernel.share_position(first.number(), other.number()));
  CHECK_FALSE(kernel.share_position(first.number(), -1));
  CHECK(kernel.traits_of(first.number()).identity == kernel.traits_of(copy.number()).identity);
  CHECK(kernel.traits_of(first.number()).identity == kernel.traits_of(other.number()).identity);
}

namespace {

constexpr std::size_t groups = 3;  // open files, each with several descriptors

struct descriptor_of {
  std::unique_ptr<file> open;
  std::size_t group;
};
struct one_read {
  std::size_t group;
  std::string room;
  future<std::size_t> ended;
};

// Begins random operations on all descriptors of several open files, on a kernel that interrupts, splits and
// delays; stops some operations and closes some descriptors. Returns the reads in the order in which they
// began.
std::vector<std::unique_ptr<one_read>> random_reads(loop& here, sim::choices& draws,
                                                    std::vector<descriptor_of>& all) {
  std::vector<std::unique_ptr<one_read>> begun;
  const auto exactly = [](const file& from, std::string& room) -> task<std::size_t> {
    co_await from.read_exactly(room);
    co_return room.size();
  };
  for (int step = 0; step < 60; ++step) {
    descriptor_of& by = all[draws.among(all.size())];
    switch (draws.among(10)) {
      case 0: here.run(nop()); break;
      case 1: here.run(sleep_for(20us)); break;
      case 2:
        if (!begun.empty()) begun[draws.among(begun.size())]->ended.request_stop();
        break;
      case 3:
        if (draws.among(6) != 0 || by.open == nullptr) break;
        if (draws.among(2) == 0) here.run(by.open->close());
        by.open.reset();
        break;
      default:
        if (by.open == nullptr) break;
        auto& made = *begun.emplace_back(std::make_unique<one_read>(
            by.group, std::string(1 + draws.among(40), '?'), make_ready_future(std::size_t{0})));
        made.ended =
            draws.among(2) == 0 ? spawn(by.open->read_some(made.room)) : spawn(exactly(*by.open, made.room));
    }
  }
  return begun;
}

}  // namespace

TEST_CASE("file: random reads by many descriptors lose and repeat no byte, with stops and closes",
          "[fs][position][stop][exact]") {
  const scratch_folder folder;
  std::string text;
  for (int n = 0; n < 4000; ++n) text += {static_cast<char>('a' + n % 26), static_cast<char>('0' + n % 10)};
  run(write_file(folder / "text", text));
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    CAPTURE(seed);
    sim::fault_schedule faults;
    faults.add({.what = sim::fault::short_read, .probability = 0.2});
    faults.add({.what = sim::fault::would_block, .probability = 0.1, .delay = 20us});
    faults.add({.what = sim::fault::late, .probability = 0.1, .delay = 20us});
    faults.add({.what = sim::fault::interrupted, .probability = 0.1});
    sim::choices draws(seed);
    std::vector<std::unique_ptr<one_read>> reads;  // outlives the loop
    loop here({}, sim::faulty(make_reactor({}), faults, seed));
    std::vector<descriptor_of> all;
    std::vector<file> kept;
    for (std::size_t group = 0; group < groups; ++group) {
      file opened = here.run(open_file(folder / "text"));
      kept.push_back(copy_of(opened));
      for (std::size_t more = draws.among(3); more != 0; --more)
        all.push_back({std::make_unique<file>(copy_of(opened)), group});
      all.push_back({std::make_unique<file>(std::move(opened)), group});
    }
    reads = random_reads(here, draws, all);
    std::size_t at[groups] = {};
    for (const auto& each : reads) {
      const auto ended = here.run(as_result(std::move(each->ended)));
      if (!ended) CHECK(ended.error() == std::errc::operation_canceled);
      const std::size_t got = ended ? *ended : ended.error().transferred();
      CHECK(each->room.substr(0, got) == text.substr(at[each->group], got));
      at[each->group] += got;
    }
    for (std::size_t group = 0; group < groups; ++group)
      CHECK(position_of(kept[group]) == static_cast<off_t>(at[group]));
  }
}
