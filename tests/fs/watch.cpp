#include "braid/fs/watch.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "braid/combine/with_stop_token.hpp"
#include "braid/fs/names.hpp"
#include "braid/fs/whole_file.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/sim/world.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/spawn.hpp"
#include "catch.hpp"
#include "descriptors.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"
#include "scratch_folder.hpp"

using namespace braid;
using namespace braid_tests;
using fs::change_kind;

namespace {

std::string text_of(const std::optional<fs::change>& one) {
  if (!one) return "the end";
  const char* const kinds[] = {"appeared", "disappeared", "modified", "attributes", "missed"};
  return (one->is_directory ? "directory " : "") + one->name + " " + kinds[static_cast<int>(one->kind)];
}

task<std::string> next_of(fs::watcher& from) {
  const std::optional<fs::change> one = co_await from.next();
  co_return text_of(one);
}

}  // namespace

TEST_CASE("fs::watch: gives the changes of a directory in their order", "[fs][watch]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  const auto before = open_descriptors();
  {
    loop here;
    fs::watcher changes = style.wait(fs::watch(folder.path())).value();
    std::filesystem::create_directory(folder / "inner");
    std::ofstream(folder / "text") << "1";
    std::filesystem::rename(folder / "text", folder / "other");
    std::filesystem::permissions(folder / "other", std::filesystem::perms::owner_read);
    std::filesystem::remove(folder / "other");
    for (const char* expected :
         {"directory inner appeared", "text appeared", "text modified", "text modified", "text disappeared",
          "other appeared", "other attributes", "other disappeared"})
      CHECK(style.wait(next_of(changes)).value() == expected);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("fs::watch: a change that comes later ends the wait", "[fs][watch]") {
  IN_EVERY_STYLE(style);
  loop here;
  const scratch_folder folder;
  fs::watcher changes = style.wait(fs::watch(folder.path())).value();
  auto waiting = spawn(next_of(changes));
  here.run(yield());
  CHECK_FALSE(waiting.is_ready());
  std::filesystem::create_directory(folder / "inner");
  CHECK(here.run(std::move(waiting)) == "directory inner appeared");
}

TEST_CASE("fs::watch: ends when what is watched is removed", "[fs][watch]") {
  loop here;
  const scratch_folder folder;
  std::filesystem::create_directory(folder / "inner");
  fs::watcher changes = here.run(fs::watch(folder / "inner"));
  std::filesystem::remove(folder / "inner");
  CHECK(here.run(next_of(changes)) == " disappeared");
  CHECK(here.run(next_of(changes)) == "the end");
  CHECK(here.run(next_of(changes)) == "the end");
}

TEST_CASE("fs::watch: watches a file, too", "[fs][watch]") {
  loop here;
  const scratch_folder folder;
  std::ofstream(folder / "text") << "1";
  fs::watcher changes = here.run(fs::watch(folder / "text"));
  std::ofstream(folder / "text", std::ios::app) << "2";
  CHECK(here.run(next_of(changes)) == " modified");
}

TEST_CASE("fs::watch: says that the system has dropped changes", "[fs][watch]") {
  loop here;
  const scratch_folder folder;
  std::size_t most = 0;
  std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> most;
  REQUIRE(most > 0);
  if (most > 100'000) return;
  std::ofstream(folder / "one"), std::ofstream(folder / "two");
  const auto program = [&]() -> task<> {
    fs::watcher changes = co_await fs::watch(folder.path());
    const std::string one = folder / "one", two = folder / "two";
    for (std::size_t i = 0; i <= most; ++i) ::chmod((i % 2 == 0 ? one : two).c_str(), 0600);
    std::size_t given = 0;
    for (;;) {
      const std::string next = co_await next_of(changes);
      if (next == " missed") break;
      ++given;
    }
    CHECK(given == most);
    std::filesystem::create_directory(folder / "inner");
    const std::string later = co_await next_of(changes);
    CHECK(later == "directory inner appeared");
  };
  here.run(program);
}

TEST_CASE("fs::watch: a cancelled next takes no change", "[fs][watch]") {
  IN_EVERY_STYLE(style);
  loop here;
  const scratch_folder folder;
  fs::watcher changes = style.wait(fs::watch(folder.path())).value();
  for (const bool change_first : {false, true}) {
    stop_source stop;
    auto stopped = spawn(with_stop_token(changes.next(), stop.get_token()));
    here.run(yield());
    const std::string name = change_first ? "first" : "second";
    if (change_first) std::filesystem::create_directory(folder / name);
    stop.request_stop();
    auto ended = here.run(as_result(std::move(stopped)));
    if (!change_first) std::filesystem::create_directory(folder / name);
    const std::string got = ended ? text_of(*ended) : style.wait(next_of(changes)).value();
    CHECK(got == "directory " + name + " appeared");
  }
}

TEST_CASE("fs::watch: a failure names the path", "[fs][watch]") {
  IN_EVERY_STYLE(style);
  const auto before = open_descriptors();
  const auto none = style.wait(fs::watch("/no/such/folder"));
  REQUIRE_FALSE(none);
  CHECK(none.error().message() == "fs::watch /no/such/folder: No such file or directory");
  CHECK(style.wait(fs::watch(std::string("a\0b", 3))).error().message() == "fs::watch a?b: Invalid argument");
  CHECK(open_descriptors() == before);
  sim::world here(1);
  CHECK(here.run(as_result(fs::watch("/"))) == std::errc::operation_not_supported);
}

TEST_CASE("fs::watch: one that was moved from is closed", "[fs][watch][failure]") {
  loop here;
  const scratch_folder folder;
  fs::watcher changes = here.run(fs::watch(folder.path()));
  std::filesystem::create_directory(folder / "a");
  std::filesystem::create_directory(folder / "b");
  CHECK(here.run(next_of(changes)) == "directory a appeared");
  fs::watcher other = std::move(changes);
  CHECK(here.run(as_result(next_of(changes))) == std::errc::bad_file_descriptor);
  CHECK(here.run(next_of(other)) == "directory b appeared");
}

TEST_CASE("fs::watch: can be cancelled at each await", "[fs][watch][cancellation]") {
  const scratch_folder folder;
  const auto program = [&]() -> task<> {
    ::rmdir((folder / "inner").c_str());
    fs::watcher changes = co_await fs::watch(folder.path());
    co_await fs::create_directory(folder / "inner");
    const std::string got = co_await next_of(changes);
    if (got != "directory inner appeared") throw std::runtime_error(got);
  };
  CHECK(every_cancellation(program) >= 3);
}
