#include "braid/fs/write_file_atomically.hpp"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "braid/fs/list.hpp"
#include "braid/schedule/sleep.hpp"
#include "braid/sim/explore.hpp"
#include "braid/sim/world.hpp"
#include "catch.hpp"
#include "descriptors.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "scratch_folder.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;
using std::filesystem::perms;

namespace {

task<int> count_names(std::filesystem::path in) {
  int names = 0;
  auto all = fs::list(std::move(in));
  for (;;) {
    const auto each = co_await all.next();
    if (!each) break;
    ++names;
  }
  co_return names;
}

std::string contents(const std::filesystem::path& of) {
  std::ifstream from(of);
  return {std::istreambuf_iterator<char>(from), {}};
}

// Both by plain calls: they also run where each allocation fails, for which std::filesystem is not made.
int names_in(const std::filesystem::path& folder) {
  DIR* const all = ::opendir(folder.c_str());
  int names = 0;
  while (const dirent* const each = ::readdir(all)) names += each->d_name[0] != '.' || each->d_name[1] == 'b';
  ::closedir(all);
  return names;
}
void remove_what_is_left(const std::filesystem::path& folder) {
  DIR* const all = ::opendir(folder.c_str());
  while (const dirent* const each = ::readdir(all))
    if (each->d_name[0] == '.' && each->d_name[1] == 'b') ::unlinkat(::dirfd(all), each->d_name, 0);
  ::closedir(all);
}

}  // namespace

TEST_CASE("write_file_atomically: creates a file, and replaces one", "[fs][write_file_atomically]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  const auto before = open_descriptors();
  for (const std::string& text : {std::string("new"), std::string(300'000, 'x'), std::string()}) {
    CHECK(style.wait(fs::write_file_atomically(folder / "text", text)));
    CHECK((contents(folder / "text") == text));
    CHECK(names_in(folder.path()) == 1);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("write_file_atomically: a new file obeys the umask, an old one keeps its permissions",
          "[fs][write_file_atomically]") {
  loop here;
  const scratch_folder folder;
  const mode_t mask = ::umask(027);
  here.run(fs::write_file_atomically(folder / "text", "1"));
  CHECK(std::filesystem::status(folder / "text").permissions() ==
        (perms::owner_read | perms::owner_write | perms::group_read));
  const perms unusual = perms::owner_all | perms::others_write | perms::set_uid;
  std::filesystem::permissions(folder / "text", unusual);
  here.run(fs::write_file_atomically(folder / "text", "22"));
  CHECK(std::filesystem::status(folder / "text").permissions() == unusual);
  CHECK(contents(folder / "text") == "22");
  ::umask(mask);
}

TEST_CASE("write_file_atomically: who has the old file open still sees it", "[fs][write_file_atomically]") {
  loop here;
  const scratch_folder folder;
  std::ofstream(folder / "text") << "old";
  std::ifstream reader(folder / "text");
  here.run(fs::write_file_atomically(folder / "text", "new"));
  std::string seen;
  reader >> seen;
  CHECK(seen == "old");
}

TEST_CASE("write_file_atomically: a symbolic link stays, and what it leads to is replaced",
          "[fs][write_file_atomically]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  std::filesystem::create_directory(folder / "inner");
  std::filesystem::create_symlink("inner/link", folder / "link");
  std::filesystem::create_symlink("text", folder / "inner" / "link");  // to a file that does not exist yet
  for (const std::string text : {"1", "2"}) {
    CHECK(style.wait(fs::write_file_atomically(folder / "link", text)));
    CHECK(std::filesystem::is_symlink(folder / "link"));
    CHECK(std::filesystem::is_symlink(folder / "inner" / "link"));
    CHECK(contents(folder / "inner" / "text") == text);
    CHECK(names_in(folder / "inner") == 2);
  }
  std::filesystem::create_symlink("round", folder / "round");
  CHECK(style.wait(fs::write_file_atomically(folder / "round", "1")) ==
        std::errc::too_many_symbolic_link_levels);
}

TEST_CASE("write_file_atomically: replaces regular files only", "[fs][write_file_atomically]") {
  loop here;
  const scratch_folder folder;
  const auto directory = here.run(as_result(fs::write_file_atomically(folder.path(), "1")));
  CHECK(directory == std::errc::is_a_directory);
  CHECK(directory.error().message() ==
        "fs::write_file_atomically " + folder.path().string() + ": Is a directory");
  CHECK(here.run(as_result(fs::write_file_atomically("/dev/null", "1"))) == std::errc::invalid_argument);
  CHECK(here.run(as_result(fs::write_file_atomically(folder / "none" / "text", "1"))) ==
        std::errc::no_such_file_or_directory);
  CHECK(here.run(as_result(fs::write_file_atomically("", "1"))) == std::errc::no_such_file_or_directory);
}

TEST_CASE("write_file_atomically: a cancellation leaves the old file or the new one, and nothing else",
          "[fs][write_file_atomically][cancellation]") {
  const scratch_folder folder;
  const auto program = [&]() -> task<> {
    remove_what_is_left(folder.path());  // by a loop that has ended
    auto writing = as_result(fs::write_file_atomically(folder / "text", "new"));
    const result<void> ended = co_await std::move(writing);
    const std::string now = contents(folder / "text");
    if (now != "old" && now != "new") throw std::runtime_error("a mixture");
    if (ended && now != "new") throw std::runtime_error("it was not written");
    const bool may_leave = loop::current().operations().ending();
    if (!may_leave && names_in(folder.path()) != 1) throw std::runtime_error("something is left behind");
    ended.value();
  };
  std::ofstream(folder / "text") << "old";
  CHECK(every_cancellation(program) >= 6);
}

// Each step may fail, by the error that it meets in practice.
TEST_CASE(
    "write_file_atomically: a failure at any step before the rename leaves the old file and nothing else",
    "[fs][write_file_atomically][sim]") {
  using sim::fault;
  struct broken {
    fault what;
    opcode only;
  };
  for (const broken& each : {broken{fault::no_space, opcode::open},
                             {fault::no_descriptors, opcode::open},
                             {fault::no_space, opcode::write},
                             {fault::io_error, opcode::write},
                             {fault::io_error, opcode::fsync}}) {
    sim::world here(1);
    sim::host& at = here.add_host("disk");
    at.put("/data/text", "old");
    here.faults().add({.what = each.what, .nth = 1, .only = each.only});
    const auto ended = here.run(as_result(fs::write_file_atomically("/data/text", "new")));
    CAPTURE(static_cast<int>(each.what), static_cast<int>(each.only));
    CHECK_FALSE(ended);
    CHECK(at.contents("/data/text") == "old");
    CHECK(here.run(count_names("/data")) == 1);
  }
}

TEST_CASE("write_file_atomically: a full disk leaves the old file and nothing else",
          "[fs][write_file_atomically][sim]") {
  sim::world here(1);
  sim::host& at = here.add_host("disk", {.disk = {.capacity_bytes = 10'000}});
  at.put("/data/text", "old");
  const std::string large(20'000, 'x');
  CHECK(here.run(as_result(fs::write_file_atomically("/data/text", large))) == std::errc::no_space_on_device);
  CHECK(at.contents("/data/text") == "old");
  CHECK(here.run(count_names("/data")) == 1);
  const std::string fits(9'000, 'y');
  here.run(fs::write_file_atomically("/data/text", fits));  // the room is there again
  CHECK((at.contents("/data/text") == fits));
}

TEST_CASE("write_file_atomically: when the sync of the directory fails, the new contents are there",
          "[fs][write_file_atomically][sim]") {
  sim::world here(1);
  sim::host& at = here.add_host("disk");
  at.put("/data/text", "old");
  here.faults().add({.what = sim::fault::io_error, .nth = 2, .only = opcode::fsync});
  CHECK(here.run(as_result(fs::write_file_atomically("/data/text", "new"))) == std::errc::io_error);
  CHECK(at.contents("/data/text") == "new");
  CHECK(here.run(count_names("/data")) == 1);
}

// The power fails after each number of steps, and whatever was not synced is kept, lost or torn.
TEST_CASE(
    "write_file_atomically: after a crash the file is the old one or the new one; once completed, the new",
    "[fs][write_file_atomically][sim]") {
  const std::string old_text(700, 'o'), new_text(1100, 'n');
  std::size_t olds = 0, news = 0;
  const auto program = [&](sim::world& here) {
    bool completed = false;
    const auto replaces = [&](sim::host&) -> task<> {
      co_await fs::write_file_atomically("/data/text", new_text);
      completed = true;
      co_await sleep_for(1h);
    };
    sim::host& at =
        here.add_host("disk", {.program = replaces, .disk = {.least_latency = 10us, .most_latency = 10us}});
    at.put("/data/text", old_text);
    const auto moment = here.draws().among(16);
    here.run_for(moment * 10us);
    here.crash(at);
    const std::optional<std::string> found = at.contents("/data/text");
    if (found != old_text && found != new_text) throw std::runtime_error("neither the old file nor the new");
    if (completed && found != new_text) throw std::runtime_error("it was completed, and is lost");
    ++(found == old_text ? olds : news);
  };
  sim::exhaust(program);
  CHECK(olds > 0);
  CHECK(news > 0);
}
