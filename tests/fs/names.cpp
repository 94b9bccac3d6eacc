#include "braid/fs/names.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>

#include "braid/fs/file.hpp"
#include "braid/fs/list.hpp"
#include "braid/fs/status.hpp"
#include "braid/fs/temporary_file.hpp"
#include "braid/fs/whole_file.hpp"
#include "braid/sim/world.hpp"
#include "catch.hpp"
#include "check_fails.hpp"
#include "child_process.hpp"
#include "descriptors.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "sanitized.hpp"
#include "scratch_folder.hpp"

using namespace braid;
using namespace braid_tests;
using std::filesystem::file_type;
using std::filesystem::perms;

namespace {

task<std::map<std::string, file_type>> entries_of(std::filesystem::path directory) {
  std::map<std::string, file_type> found;
  auto all = fs::list(std::move(directory));
  for (;;) {
    const auto each = co_await all.next();
    if (!each) break;
    if (!found.emplace(each->name, each->type).second) throw std::runtime_error(each->name + " twice");
  }
  co_return found;
}

// The same on the real disk and on a simulated one.
task<> name_things_in(std::filesystem::path folder) {
  co_await fs::create_directory(folder / "inner", 0700);
  const fs::file_status inner = co_await fs::status(folder / "inner");
  CHECK(inner.type == file_type::directory);
  CHECK(inner.permissions == perms::owner_all);
  co_await write_file(folder / "inner" / "text", "12345");
  const fs::file_status text = co_await fs::status(folder / "inner" / "text");
  CHECK(text.type == file_type::regular);
  CHECK(text.size == 5);
  CHECK(text.links == 1);

  co_await fs::rename(folder / "inner" / "text", folder / "text");
  const fs::file_status renamed = co_await fs::status(folder / "text");
  CHECK(renamed.inode == text.inode);
  co_await write_file(folder / "other", "1");
  co_await fs::rename(folder / "other", folder / "text");  // replaces it
  const std::string now = co_await read_file(folder / "text");
  CHECK(now == "1");
  const auto left = co_await entries_of(folder);
  CHECK(left ==
        std::map<std::string, file_type>{{"inner", file_type::directory}, {"text", file_type::regular}});

  auto full = as_result(fs::remove(folder));
  const auto not_empty = co_await std::move(full);
  CHECK(not_empty == std::errc::directory_not_empty);
  co_await fs::remove(folder / "text");
  co_await fs::remove(folder / "inner");
  auto gone = as_result(fs::status(folder / "text"));
  const auto none = co_await std::move(gone);
  CHECK(none == std::errc::no_such_file_or_directory);
  const auto empty = co_await entries_of(folder);
  CHECK(empty.empty());
}

}  // namespace

TEST_CASE("fs: names are given, changed, listed and removed", "[fs][names]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  const auto before = open_descriptors();
  CHECK(style.wait(name_things_in(folder.path())));
  CHECK(open_descriptors() == before);
}

TEST_CASE("fs: names are given, changed, listed and removed on a simulated disk", "[fs][names][sim]") {
  sim::world here(1);
  const auto program = []() -> task<> {
    co_await fs::create_directory("/folder");
    co_await name_things_in("/folder");
  };
  here.run(program);
}

TEST_CASE("fs: a failure names the call, the path and the reason", "[fs][names]") {
  loop here;
  const scratch_folder folder;
  const std::string none = (folder / "none").string(), other = (folder / "other").string();
  const auto message = [&](auto op) {
    const auto ended = here.run(as_result(std::move(op)));
    REQUIRE_FALSE(ended);
    return ended.error().message();
  };
  CHECK(message(fs::rename(none, other)) ==
        "fs::rename " + none + " to " + other + ": No such file or directory");
  CHECK(message(fs::remove(none)) == "fs::remove " + none + ": No such file or directory");
  CHECK(message(fs::create_directory(folder.path())) ==
        "fs::create_directory " + folder.path().string() + ": File exists");
  CHECK(message(fs::status(none)) == "fs::status " + none + ": No such file or directory");
  CHECK(message(fs::link_status("")) == "fs::link_status \"\": No such file or directory");
  CHECK(message(fs::remove(std::string("a\0b", 3))) == "fs::remove a?b: Invalid argument");
  CHECK(message(fs::rename("a", std::string("a\0b", 3))) == "fs::rename a to a?b: Invalid argument");
  CHECK(message(entries_of(none)) == "open_file " + none + ": No such file or directory");
  CHECK(message(fs::temporary_file(none)) == "open_file " + none + ": No such file or directory");
}

TEST_CASE("fs::status: says what a file is, behind a link or not", "[fs][status]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  const auto now = std::chrono::system_clock::now();
  std::ofstream(folder / "text") << "123";
  std::filesystem::permissions(folder / "text", perms::owner_read);
  std::filesystem::create_symlink("text", folder / "link");
  const fs::file_status text = style.wait(fs::status(folder / "link")).value();
  CHECK(text.type == file_type::regular);
  CHECK(text.permissions == perms::owner_read);
  CHECK(text.size == 3);
  CHECK(text.owner == ::geteuid());
  CHECK(text.modified > now - std::chrono::hours(1));
  CHECK(text.modified < now + std::chrono::hours(1));
  struct stat expected;
  REQUIRE(::stat((folder / "text").c_str(), &expected) == 0);
  CHECK(text.device == expected.st_dev);
  CHECK(text.inode == expected.st_ino);
  CHECK(style.wait(fs::link_status(folder / "link")).value().type == file_type::symlink);
  CHECK(style.wait(fs::status("/dev/null")).value().type == file_type::character);
}

TEST_CASE("fs::list: gives each entry of a large directory once, with its type", "[fs][list]") {
  loop here;
  const scratch_folder folder;
  std::map<std::string, file_type> expected;
  for (int n = 0; n < 1500; ++n) {
    const std::string name =
        "a name of some length, so that several buffers are needed: " + std::to_string(n);
    std::ofstream(folder / name);
    expected.emplace(name, file_type::regular);
  }
  std::filesystem::create_directory(folder / "inner");
  std::filesystem::create_symlink("nothing", folder / "link");
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  expected.insert({{"inner", file_type::directory}, {"link", file_type::symlink}, {"fifo", file_type::fifo}});
  const auto before = open_descriptors();
  CHECK((here.run(entries_of(folder.path())) == expected));
  CHECK(open_descriptors() == before);
}

TEST_CASE("fs::list: entries may vanish and come meanwhile; the others are there once", "[fs][list][sim]") {
  const scratch_folder folder;
  const auto program = [](std::filesystem::path in) -> task<> {
    for (int n = 0; n < 1000; ++n) co_await write_file(in / ("stays " + std::to_string(n)), "");
    for (int n = 0; n < 1000; ++n) co_await write_file(in / ("goes " + std::to_string(n)), "");
    std::set<std::string> stayed;
    int removed = 0;
    auto all = fs::list(in);
    for (;;) {
      const auto each = co_await all.next();
      if (!each) break;
      if (each->name.starts_with("stays") && !stayed.insert(each->name).second)
        throw std::runtime_error(each->name + " twice");
      if (removed == 1000) continue;
      co_await fs::remove(in / ("goes " + std::to_string(removed)));
      co_await write_file(in / ("came " + std::to_string(removed++)), "");
    }
    CHECK(stayed.size() == 1000);
  };
  loop().run(program(folder.path()));
  sim::world here(1);
  here.run(program("/tmp"));
}

TEST_CASE("fs::list: a file is no directory", "[fs][list]") {
  IN_EVERY_STYLE(style);
  CHECK(style.wait(entries_of("/dev/null")) == std::errc::not_a_directory);
}

TEST_CASE("fs::temporary_file: is read and written, and leaves no name behind", "[fs][temporary_file]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  const auto before = open_descriptors();
  {
    loop here;
    const auto program = [](std::filesystem::path in) -> task<> {
      const file made = co_await fs::temporary_file(in);
      co_await made.write_all("hello");
      std::string text(5, '?');
      co_await made.read_at(0, text);
      CHECK(text == "hello");
      const auto names = co_await entries_of(in);
      CHECK(names.empty());
    };
    CHECK(style.wait(program(folder.path())));
    sim::world there(1);
    there.run(program("/tmp"));  // its disk has no files without names
    CHECK(style.wait(fs::temporary_file()));
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("fs: without a descriptor left, list and temporary_file fail", "[fs][names]") {
  if (BRAID_TSAN != 0) return;  // ThreadSanitizer knows no threads of a forked child
  const scratch_folder folder;
  const auto ended = in_child([&] {
    loop here;
    here.run(fs::status("/"));  // what the loop needs is there
    leave_no_descriptors();
    if (here.run(as_result(entries_of(folder.path()))) != std::errc::too_many_files_open) return 1;
    if (here.run(as_result(fs::temporary_file(folder.path()))) != std::errc::too_many_files_open) return 2;
    return 0;
  });
  CHECK(ended.errors == "");
  CHECK(ended.exit_status() == 0);
}

TEST_CASE("fs: can be cancelled at each await", "[fs][names][cancellation]") {
  const scratch_folder folder;
  std::ofstream(folder / "text") << "1";
  const auto program = [&]() -> task<> {
    const auto found = co_await entries_of(folder.path());
    if (found.empty()) throw std::runtime_error("nothing is listed");
    const file made = co_await fs::temporary_file(folder.path());
    co_await made.write_all("1");
    (void)co_await fs::status(folder / "text");
  };
  CHECK(every_cancellation(program) >= 3);
  CHECK(loop().run(entries_of(folder.path())).size() == 1);
}
