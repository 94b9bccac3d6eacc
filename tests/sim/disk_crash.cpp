#include <fcntl.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "braid/fs/file.hpp"
#include "braid/fs/whole_file.hpp"
#include "braid/sim/explore.hpp"
#include "braid/sim/world.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "path_requests.hpp"

// What a simulated disk keeps when the power fails.

namespace {

using namespace braid;
using namespace braid_tests;
using namespace std::string_literals;

using program = task<void> (*)();

// All possible contents of the file after the program and a crash; no value where it is gone. "/data" exists
// before.
using outcomes = std::set<std::optional<std::string>>;
outcomes after_crash(program what, const std::string& before, const std::string& path = "/data") {
  outcomes found;
  sim::exhaust([&](sim::world& in) {
    sim::host& at = in.add_host("disk");
    at.put("/data", before);
    in.run_on(at, what());
    in.crash(at);
    found.insert(at.contents(path));
  });
  return found;
}

task<void> write_at(const std::string& path, std::uint64_t offset, const std::string& bytes) {
  file to = co_await open_file(path, O_WRONLY | O_CREAT);
  const std::size_t done = co_await to.write_at(offset, bytes);
  if (done != bytes.size()) throw std::runtime_error("a short write");
}
task<void> sync_file(const std::string& path) {
  const file what = co_await open_file(path);
  co_await what.sync();
}
task<void> rename_file(const std::string& from, const std::string& to) {
  auto op = rename_path(from, to);
  co_await std::move(op);
}
task<void> make_folder(const std::string& path) {
  auto op = make_directory(path);
  co_await std::move(op);
}

}  // namespace

TEST_CASE("sim::disk: a crash keeps, tears at a sector, or loses a write", "[sim][disk]") {
  const auto torn = [](std::size_t kept) { return std::string(kept, 'x') + std::string(2000 - kept, '.'); };
  const auto found = after_crash(
      []() -> task<void> { co_await write_at("/data", 0, std::string(2000, 'x')); }, std::string(2000, '.'));
  CHECK(found == outcomes{torn(0), torn(512), torn(1024), torn(1536), torn(2000)});

  const auto over_a_bound =
      after_crash([]() -> task<void> { co_await write_at("/data", 510, "abcd"); }, std::string(2000, '.'));
  const std::string before(510, '.'), after(1486, '.');
  CHECK(over_a_bound == outcomes{before + "...." + after, before + "ab.." + after, before + "abcd" + after});
}

TEST_CASE("sim::disk: a crash keeps or loses a growth independently of the bytes", "[sim][disk]") {
  CHECK(after_crash([]() -> task<void> { co_await write_at("/data", 3, "new"); }, "old") ==
        outcomes{"old", "oldnew", "old\0\0\0"s});
  CHECK(after_crash(
            []() -> task<void> {
              co_await write_at("/data", 3, "1");
              co_await write_at("/data", 4, "2");
            },
            "old") == outcomes{"old", "old1", "old\0"s, "old12", "old\0"s + "2", "old1\0"s, "old\0\0"s});
}

TEST_CASE("sim::disk: a crash keeps or loses a truncation", "[sim][disk]") {
  CHECK(after_crash(
            []() -> task<void> {
              const file what = co_await open_file("/data", O_WRONLY);
              co_await what.truncate(4);
            },
            "0123456789") == outcomes{"0123456789", "0123"});
  CHECK(after_crash(
            []() -> task<void> {
              const file what = co_await open_file("/data", O_WRONLY);
              co_await what.truncate(6);
            },
            "0123") == outcomes{"0123", "0123\0\0"s});
  // Replacing a file's contents in place may lose both.
  const auto replaced = after_crash([]() -> task<void> { co_await write_file("/data", "new"); }, "older");
  for (const auto* possible : {"", "new", "older", "newer"}) CHECK(replaced.count(possible) == 1);
  CHECK(replaced == outcomes{"", "new", "\0\0\0"s, "older", "newer"});
}

TEST_CASE("sim::disk: a crash keeps synced bytes", "[sim][disk]") {
  CHECK(after_crash(
            []() -> task<void> {
              co_await write_at("/data", 0, "synced");
              co_await sync_file("/data");
            },
            "before") == outcomes{"synced"});
  CHECK(after_crash(
            []() -> task<void> {
              co_await write_at("/data", 0, std::string(1000, 'x'));
              const file what = co_await open_file("/data");
              co_await what.datasync();
            },
            "") == outcomes{std::string(1000, 'x')});
  CHECK(after_crash(
            []() -> task<void> {
              const file what = co_await open_file("/data", O_WRONLY | O_TRUNC | O_DSYNC);
              co_await what.write_all("by each write");
            },
            "") == outcomes{"by each write"});
}

TEST_CASE("sim::disk: after a crash each byte is one that was synced or written since", "[sim][disk]") {
  constexpr std::size_t size = 6000;
  struct model {
    std::string synced = std::string(size, '.'), shown = synced;
    std::vector<std::uint32_t> written = std::vector<std::uint32_t>(size);  // since; one bit a letter
  };
  struct scenario {
    static task<void> run(model& expected, std::mt19937_64& draws) {
      const file data = co_await open_file("/data", O_RDWR);
      for (int i = 0; i != 20; ++i) {
        if (draws() % 6 == 0) {
          co_await data.sync();
          expected.synced = expected.shown;
          std::ranges::fill(expected.written, 0);
        }
        const std::size_t at = draws() % size;
        const std::string bytes(1 + draws() % (size - at), static_cast<char>('a' + i));
        const std::size_t done = co_await data.write_at(at, bytes);
        expected.shown.replace(at, done, bytes);
        for (std::size_t each = at; each != at + done; ++each) expected.written[each] |= 1U << i;
      }
    }
  };
  std::size_t kept = 0, lost = 0;
  for (std::uint64_t seed = 0; seed != 100; ++seed) {
    CAPTURE(seed);
    sim::world in(seed);
    sim::host& at = in.add_host("disk");
    at.put("/data", std::string(size, '.'));
    std::mt19937_64 draws(seed);
    model expected;
    in.run_on(at, scenario::run(expected, draws));
    REQUIRE(at.contents("/data") == expected.shown);
    in.crash(at);
    const std::string found = at.contents("/data").value();
    REQUIRE(found.size() == size);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i != size; ++i) {
      const bool was_written =
          found[i] >= 'a' && (expected.written[i] >> static_cast<unsigned>(found[i] - 'a') & 1) != 0;
      if (found[i] != expected.synced[i] && !was_written) ++wrong;
      if (expected.shown[i] == expected.synced[i]) continue;
      ++(found[i] == expected.shown[i] ? kept : lost);
    }
    REQUIRE(wrong == 0);
  }
  CHECK(kept > 0);
  CHECK(lost > 0);
}

TEST_CASE("sim::disk: name changes survive a crash in order", "[sim][disk]") {
  std::set<std::vector<bool>> found;
  sim::exhaust([&](sim::world& in) {
    sim::host& at = in.add_host("disk");
    at.put("/old", "old");
    const auto change_names = []() -> task<void> {
      co_await make_folder("/folder");
      co_await write_file("/folder/made", "");
      co_await rename_file("/old", "/folder/new");
      auto op = remove_path("/folder/made");
      co_await std::move(op);
    };
    in.run_on(at, change_names());
    in.crash(at);
    const bool is_moved = !at.contents("/old");
    CHECK((is_moved ? at.contents("/folder/new") : at.contents("/old")) == "old");
    CHECK(at.contents("/folder/new").has_value() == is_moved);
    in.restart(at);
    bool folder = true;
    try {
      auto op = status_of("/folder");
      in.run_on(at, std::move(op));
    } catch (const std::system_error&) {
      folder = false;
    }
    found.insert({folder, at.contents("/folder/made").has_value(), is_moved});
  });
  CHECK(found == std::set<std::vector<bool>>{{false, false, false},
                                             {true, false, false},
                                             {true, true, false},
                                             {true, true, true},
                                             {true, false, true}});
}

TEST_CASE("sim::disk: a sync of the right file or folder makes names durable", "[sim][disk]") {
  const auto of_made = [](program what) { return after_crash(what, "old", "/made"); };
  CHECK(of_made([]() -> task<void> { co_await write_file("/made", ""); }) == outcomes{std::nullopt, ""});
  // a sync of the file, of another file, of the directory
  CHECK(of_made([]() -> task<void> {
          co_await write_file("/made", "x");
          co_await sync_file("/made");
        }) == outcomes{"x"});
  CHECK(of_made([]() -> task<void> {
          co_await write_file("/made", "");
          co_await sync_file("/data");
        }) == outcomes{""});
  CHECK(of_made([]() -> task<void> {
          co_await write_file("/made", "");
          co_await sync_file("/");
        }) == outcomes{""});
  // datasync writes only the names that the file's own data needs
  CHECK(of_made([]() -> task<void> {
          co_await write_file("/made", "x");
          const file made = co_await open_file("/made");
          co_await made.datasync();
        }) == outcomes{"x"});
  CHECK(of_made([]() -> task<void> {
          co_await write_file("/made", "");
          co_await write_at("/data", 0, "new");
          const file other = co_await open_file("/data");
          co_await other.datasync();
        }) == outcomes{std::nullopt, ""});
}

TEST_CASE("sim::disk: bytes of a failed sync stay in doubt after later syncs", "[sim][disk]") {
  struct scenario {
    static task<void> run(bool writes_again) {
      const file data = co_await open_file("/data", O_WRONLY);
      co_await data.write_at(0, "1111");
      const auto failed = co_await as_result(data.sync());
      CHECK(failed.error() == std::errc::io_error);
      co_await data.write_at(1, "22");
      if (writes_again) co_await data.write_at(0, "1221");
      co_await data.sync();
    }
  };
  const auto found = [](bool writes_again) {
    outcomes all;
    sim::exhaust([&](sim::world& in) {
      in.faults().add({.what = sim::fault::io_error, .nth = 1, .only = opcode::fsync});
      sim::host& at = in.add_host("disk");
      at.put("/data", "....");
      in.run_on(at, scenario::run(writes_again));
      CHECK(at.contents("/data") == "1221");
      in.crash(at);
      all.insert(at.contents("/data"));
    });
    return all;
  };
  CHECK(found(false) == outcomes{"1221", ".22.", "122.", ".221"});
  CHECK(found(true) == outcomes{"1221"});
}

TEST_CASE("sim::disk: a size whose sync failed becomes durable with the next sync", "[sim][disk]") {
  struct scenario {
    static task<void> grow() {
      const file data = co_await open_file("/data", O_WRONLY);
      co_await data.write_at(4, "45");
      co_await fail_to_sync(data);
      co_await data.write_at(0, "x");
      co_await data.sync();
    }
    static task<void> grow_twice() {
      const file data = co_await open_file("/data", O_WRONLY);
      co_await data.write_at(4, "45");
      co_await fail_to_sync(data);
      co_await data.write_at(6, "67");
      co_await data.sync();
    }
    static task<void> cut() {
      const file data = co_await open_file("/data", O_WRONLY);
      co_await data.truncate(2);
      co_await fail_to_sync(data);
      co_await data.write_at(0, "x");
      co_await data.sync();
    }
    static task<void> cut_and_grow() {
      const file data = co_await open_file("/data", O_WRONLY);
      co_await data.truncate(2);
      co_await fail_to_sync(data);
      co_await data.write_at(3, "x");
      co_await data.sync();
    }
    static task<void> fail_to_sync(const file& data) {
      const auto failed = co_await as_result(data.sync());
      CHECK(failed.error() == std::errc::io_error);
    }
  };
  const auto found = [](program what) {
    outcomes all;
    sim::exhaust([&](sim::world& in) {
      in.faults().add({.what = sim::fault::io_error, .nth = 1, .only = opcode::fsync});
      sim::host& at = in.add_host("disk");
      at.put("/data", "0123");
      in.run_on(at, what());
      in.crash(at);
      all.insert(at.contents("/data"));
    });
    return all;
  };
  CHECK(found(scenario::grow) == outcomes{"x123", "x12345", "x123\0\0"s});
  CHECK(found(scenario::grow_twice) == outcomes{"01234567", "0123\0\0"s + "67"});
  CHECK(found(scenario::cut) == outcomes{"x1", "x123"});
  CHECK(found(scenario::cut_and_grow) == outcomes{"01\0x"s});
}

TEST_CASE("sim::disk: the same seed loses the same bytes", "[sim][disk]") {
  const auto kept = [](std::uint64_t seed) {
    sim::world in(seed);
    sim::host& at = in.add_host("disk");
    const auto write_all = []() -> task<void> {
      for (int i = 0; i != 8; ++i) co_await write_file("/" + std::to_string(i), std::string(2000, 'x'));
    };
    in.run_on(at, write_all());
    in.crash(at);
    std::vector<std::optional<std::string>> found;
    for (int i = 0; i != 8; ++i) found.push_back(at.contents("/" + std::to_string(i)));
    return found;
  };
  std::set<std::vector<std::optional<std::string>>> all;
  for (std::uint64_t seed = 0; seed != 50; ++seed) {
    const auto found = kept(seed);
    CHECK((kept(seed) == found));
    all.insert(found);
  }
  CHECK(all.size() > 25);
}

TEST_CASE("sim::disk: the perfect disk keeps everything", "[sim][disk]") {
  for (std::uint64_t seed = 0; seed != 20; ++seed) {
    sim::world in(seed);
    sim::host& at = in.add_host("disk", {.disk = {.loses_unsynced = false}});
    in.run_on(at, write_file("/made", std::string(5000, 'x')));
    in.crash(at);
    CHECK((at.contents("/made") == std::string(5000, 'x')));
  }
}

TEST_CASE("sim::disk: after a crash an unlinked file is gone, or back with its bytes in doubt",
          "[sim][disk]") {
  const auto found = after_crash(
      []() -> task<void> {
        const file data = co_await open_file("/data", O_RDWR);
        auto op = remove_path("/data");
        co_await std::move(op);
        co_await data.write_at(0, "new");
      },
      "old");
  CHECK(found == outcomes{std::nullopt, "old", "new"});
}

TEST_CASE("sim::disk: the oldest of very many unsynced writes have been written back", "[sim][disk]") {
  struct scenario {
    static task<void> run() {
      const file data = co_await open_file("/data", O_WRONLY);
      for (std::uint64_t i = 0; i != 20'000; ++i) co_await data.write_at(i, "x");
    }
  };
  sim::world in(1);
  sim::host& at = in.add_host("disk");
  at.put("/data", std::string(20'000, '.'));
  in.run_on(at, scenario::run());
  in.crash(at);
  const std::string found = at.contents("/data").value();
  const std::size_t first_lost = found.find('.');
  CHECK(first_lost >= 20'000 - 16'384);
  CHECK(first_lost < 20'000);
}
