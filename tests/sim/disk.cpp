#include <fcntl.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "braid/fs/file.hpp"
#include "braid/fs/whole_file.hpp"
#include "braid/sim/explore.hpp"
#include "braid/sim/world.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "path_requests.hpp"

namespace {

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

}  // namespace

TEST_CASE("sim::disk: put makes a file that a program reads, and contents reads what a program wrote",
          "[sim][disk]") {
  sim::world in(1);
  sim::host& at = in.add_host("disk");
  CHECK_FALSE(at.contents("/etc/motd"));
  at.put("/etc/motd", "hello");
  CHECK(in.run_on(at, read_file("/etc/motd")) == "hello");
  CHECK_FALSE(at.contents("/etc"));
  at.put("/etc/motd", "hi");
  CHECK(at.contents("/etc/motd") == "hi");
  in.run_on(at, write_file("/tmp/made", "by a program"));
  CHECK(at.contents("/tmp/made") == "by a program");
  CHECK(at.contents("tmp/../tmp//made") == "by a program");
  in.run_on(at, write_file("/etc/motd", "unsynced"));
  at.put("/etc/motd", "durable");
  in.crash(at);
  CHECK(at.contents("/etc/motd") == "durable");
  try {
    at.put("/etc/motd/below", "");
    FAIL_CHECK("a file is no directory");
  } catch (const std::system_error& why) {
    CHECK(why.code() == std::errc::not_a_directory);
    CHECK_THAT(why.what(), contains("sim::host::put /etc/motd/below"));
  }
}

TEST_CASE("sim::disk: a full disk takes a part of a write, then fails", "[sim][disk]") {
  std::string text;
  for (int n = 0; text.size() < 10'000; ++n) text += std::to_string(100'000 + n);
  sim::world in(1);
  sim::host& at = in.add_host("disk", {.disk = {.most_latency = 2ms, .capacity_bytes = 4096}});
  in.run_on(at, [&]() -> task<void> {
    const file to = co_await open_file("/tmp/one", O_RDWR | O_CREAT);
    const auto ended = co_await as_result(to.write_all(text));
    CHECK_FALSE(ended);
    CHECK(ended.error() == std::errc::no_space_on_device);
    CHECK(ended.error().transferred() == 4096);
    const std::string kept = co_await read_file("/tmp/one");
    CHECK(kept == text.substr(0, 4096));
    const auto more = co_await as_result(to.write_some(text));
    CHECK(more.error() == std::errc::no_space_on_device);
    CHECK(more.error().transferred() == 0);
  }());
}

TEST_CASE("sim::disk: operations at the position keep the order in which they were begun", "[sim][disk]") {
  sim::explore(50, [](sim::world& in) {
    sim::host& at = in.add_host("disk", {.disk = {.most_latency = 2ms}});
    in.run_on(at, [&]() -> task<void> {
      const file both = co_await open_file("/tmp/one", O_RDWR | O_CREAT);
      std::vector<future<void>> writes;
      const std::string words[] = {"one ", "two ", "three"};
      for (const std::string& each : words) writes.push_back(spawn(both.write_all(each)));
      for (auto& each : writes) co_await std::move(each);
      if (co_await read_file("/tmp/one") != "one two three")
        throw std::runtime_error("they passed each other");
    }());
  });
}

TEST_CASE("sim::disk: each host has its own disk, which survives a restart", "[sim][disk]") {
  sim::world in(1);
  sim::host &one = in.add_host("one"), &other = in.add_host("other");
  one.put("/data", "one's");
  CHECK_FALSE(other.contents("/data"));
  in.crash(one);
  in.restart(one);
  CHECK(in.run_on(one, read_file("/data")) == "one's");
}

TEST_CASE("sim::disk: a full disk takes what fits, and no bytes afterwards", "[sim][disk]") {
  struct scenario {
    static task<void> run() {
      const file data = co_await open_file("/data", O_WRONLY | O_CREAT);
      const std::size_t first = co_await data.write_some(std::string(1500, 'x'));
      CHECK(first == 1000);
      const auto second = co_await as_result(data.write_some("y"));
      CHECK(second.error() == std::errc::no_space_on_device);
      const std::size_t over = co_await data.write_at(500, std::string(500, 'z'));  // no more space
      CHECK(over == 500);
      co_await data.truncate(1'000'000'000'000);  // unwritten parts take none
      const auto far = co_await as_result(data.write_at(999'999'999'999, "z"));
      CHECK(far.error() == std::errc::no_space_on_device);
      co_await data.truncate(900);
      const std::size_t third = co_await data.write_at(900, std::string(1500, 'y'));
      CHECK(third == 100);

      auto op = remove_path("/data");
      co_await std::move(op);
      const auto held = co_await as_result(write_file("/other", "x"));
      CHECK(held.error() == std::errc::no_space_on_device);  // the removed file is still open
    }
  };
  sim::world in(1);
  sim::host& at = in.add_host("disk", {.disk = {.capacity_bytes = 1000}});
  in.run_on(at, scenario::run());
  in.run_on(at, write_file("/other", std::string(1000, 'x')));
  CHECK_THROWS_AS(at.put("/third", "x"), std::system_error);
  CHECK_NOTHROW(at.put("/other", std::string(1000, 'y')));
  CHECK((at.contents("/other") == std::string(1000, 'y')));
  in.crash(at);
  in.restart(at);
  CHECK_THROWS_AS(in.run_on(at, write_file("/third", "x")), std::system_error);
}

TEST_CASE("sim::disk: an open file can be replaced and unlinked", "[sim][disk]") {
  struct scenario {
    static task<void> run() {
      const file replaced = co_await open_file("/old"), moved = co_await open_file("/new", O_RDWR);
      auto over = rename_path("/new", "/old");
      co_await std::move(over);
      auto away = remove_path("/old");
      co_await std::move(away);
      std::array<char, 3> room{};
      co_await replaced.read_exactly(room);
      CHECK(std::string(room.data(), room.size()) == "old");
      co_await moved.write_at(0, "NEW");
      co_await moved.read_exactly(room);
      CHECK(std::string(room.data(), room.size()) == "NEW");
      auto op = status_of("", moved.number());
      const path_answer its = co_await std::move(op);
      CHECK(its.status.stx_nlink == 0);
    }
  };
  sim::world in(1);
  sim::host& at = in.add_host("disk");
  at.put("/old", "old");
  at.put("/new", "new");
  in.run_on(at, scenario::run());
  CHECK_FALSE(at.contents("/old"));
}

TEST_CASE("sim::disk: a status has kind, size, inode and number of links", "[sim][disk]") {
  sim::world in(1);
  sim::host& at = in.add_host("disk");
  at.put("/folder/one", std::string(5000, 'x'));
  at.put("/folder/below/two", "");
  const auto status = [&](const char* path) {
    auto op = status_of(path);
    return in.run_on(at, std::move(op)).status;
  };
  const auto one = status("/folder/one"), two = status("/folder/below/two"), folder = status("/folder");
  CHECK((one.stx_mask & (STATX_TYPE | STATX_MODE | STATX_NLINK | STATX_INO | STATX_SIZE | STATX_BLOCKS)) !=
        0);
  CHECK(one.stx_mode == (S_IFREG | 0644));
  CHECK(one.stx_size == 5000);
  CHECK(one.stx_blocks == 16);
  CHECK(one.stx_nlink == 1);
  CHECK(two.stx_size == 0);
  CHECK(two.stx_blocks == 0);
  CHECK(two.stx_ino != one.stx_ino);
  CHECK(folder.stx_mode == (S_IFDIR | 0755));
  CHECK(folder.stx_nlink == 3);
  CHECK(status("/tmp").stx_nlink == 2);
  CHECK(status("/").stx_ino == status("/folder/..").stx_ino);
}

TEST_CASE("sim::disk: an error names the file by its present path", "[sim][disk]") {
  struct scenario {
    static task<std::string> run() {
      const file moved = co_await open_file("/old");
      auto op = rename_path("/old", "/tmp/new");
      co_await std::move(op);
      auto failed = co_await as_result(moved.write_some("x"));
      co_return failed.error().message();
    }
  };
  sim::world in(1);
  sim::host& at = in.add_host("disk");
  at.put("/old", "");
  CHECK_THAT(in.run_on(at, scenario::run()), contains("/tmp/new"));
}

TEST_CASE("sim::disk: a file is at most as long as on ext4", "[sim][disk]") {
  struct scenario {
    static task<void> run() {
      constexpr std::uint64_t most = 0xffff'ffff'000;
      const file data = co_await open_file("/data", O_RDWR);
      const std::size_t last = co_await data.write_at(most - 1, "xy");
      CHECK(last == 1);
      const auto past = co_await as_result(data.write_at(most, "x"));
      CHECK(past.error() == std::errc::file_too_large);
      const auto longer = co_await as_result(data.truncate(most + 1));
      CHECK(longer.error() == std::errc::file_too_large);
      const std::uint64_t size = co_await data.size();
      CHECK(size == most);
    }
  };
  sim::world in(1);
  sim::host& at = in.add_host("disk");
  at.put("/data", "");
  in.run_on(at, scenario::run());
}

TEST_CASE("sim::disk: requests take the disk's time, and a sync takes more", "[sim][disk]") {
  const auto time_of = [](std::uint64_t seed, bool syncs) {
    struct scenario {
      static task<void> run(bool also_syncs) {
        const file data = co_await open_file("/data", O_WRONLY);
        co_await data.write_some("x");
        if (also_syncs) co_await data.sync();
      }
    };
    sim::world in(seed);
    sim::host& at =
        in.add_host("disk", {.disk = {.least_latency = 1ms, .most_latency = 2ms, .sync_latency = 10ms}});
    at.put("/data", "");
    in.run_on(at, scenario::run(syncs));
    return in.now().time_since_epoch();
  };
  bool differs = false;
  for (std::uint64_t seed = 0; seed != 20; ++seed) {
    const auto plain = time_of(seed, false), synced = time_of(seed, true);
    CHECK(plain >= 2ms);
    CHECK(plain <= 4ms);
    CHECK(synced >= 13ms);
    CHECK(synced <= 16ms);
    CHECK(time_of(seed, true) == synced);
    differs = differs || plain != time_of(0, false);
  }
  CHECK(differs);
}
