// The tool braid-log, run as a user runs it. The build names it in BRAID_LOG_TOOL.

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "braid/loop/loop.hpp"
#include "braid/messaging/detail/log_format.hpp"
#include "braid/messaging/log.hpp"
#include "catch.hpp"
#include "command.hpp"
#include "log_records.hpp"
#include "scratch_folder.hpp"

namespace {

using namespace braid;
using namespace braid_tests;

said braid_log(const std::string& arguments, const std::string& rest = " 2>&1") {
  return run_command("BRAID_LOG_TOOL", arguments, rest);
}

task<> append_bodies(messaging::log& to, std::uint64_t last) {
  while (to.last() != last) {
    const std::string body = nth_body(to.last() + 1);
    co_await to.append(body);
  }
}

void flip(const std::filesystem::path& path, std::uint64_t at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(at));
  const char was = static_cast<char>(file.get());
  file.seekp(static_cast<std::streamoff>(at));
  file.put(static_cast<char>(was ^ 1));
}

}  // namespace

TEST_CASE("braid-log: shows a log beside its writer, and cuts it only without", "[messaging][braid_log]") {
  const scratch_folder folder;
  const std::string directory = folder / "log";
  loop here;
  {
    auto journal = here.run(messaging::log::open(directory, {.segment_bytes = 700}));
    here.run(append_bodies(journal, 8));
    here.run(journal.append("a\tb\n\\\xc3\xa4"));

    const said listed = braid_log("list " + directory);
    CHECK(listed.code == 0);
    CHECK_THAT(listed.text, contains("00000000000000000001.segment"));
    for (const auto& each : journal.segments())
      CHECK_THAT(listed.text, contains(each.file.filename().string()));
    CHECK_THAT(listed.text, contains("all "));

    const said two = braid_log("dump " + directory + " --from 3 --to 4");
    CHECK(two.code == 0);
    CHECK(two.text == "3\t" + nth_body(3) + "\n4\t" + nth_body(4) + "\n");
    CHECK(braid_log("dump " + directory + " --from 9").text == "9\ta\\x09b\\x0a\\\\\xc3\xa4\n");
    CHECK(braid_log("dump " + directory + " --from 9 --raw").text == "a\tb\n\\\xc3\xa4");

    const said verified = braid_log("verify " + directory);
    CHECK(verified.code == 0);
    CHECK_THAT(verified.text, contains("the records 1 to 9: 9 of 807 bytes are whole, nothing is damaged"));

    const said refused = braid_log("cut " + directory + " --after 5");
    CHECK(refused.code == 3);
    CHECK_THAT(refused.text, contains("another log has it"));
    CHECK(journal.last() == 9);
    here.run(journal.close());
  }
  for (const auto& [after, why] : {std::pair("12", "the last record is 9"), std::pair("x", "--after")}) {
    const said refused = braid_log("cut " + directory + " --after " + after);
    CHECK(refused.code == (after[0] == 'x' ? 2 : 3));
    CHECK_THAT(refused.text, contains(why));
  }
  const said cut = braid_log("cut " + directory + " --after 5");
  CHECK(cut.code == 0);
  CHECK(cut.text == "removed the records 6 to 9\n");
  CHECK(braid_log("cut " + directory + " --after 5").text == "removed no records\n");
  auto journal = here.run(messaging::log::open(directory));
  CHECK(is_prefix(here.run(contents_of(journal)), 5));
  here.run(journal.close());
}

TEST_CASE("braid-log: says where damage is, and goes on behind it", "[messaging][braid_log]") {
  const scratch_folder folder;
  const std::string directory = folder / "log", file = directory + "/00000000000000000001.segment";
  loop here;
  {
    auto journal = here.run(messaging::log::open(directory));
    here.run(append_bodies(journal, 3));
    here.run(journal.close());
  }
  const std::uint64_t second = messaging::detail::head_bytes + messaging::detail::record_bytes(100);
  flip(file, second + messaging::detail::head_bytes + 7);
  const said verified = braid_log("verify " + directory);
  CHECK(verified.code == 1);
  CHECK_THAT(verified.text, contains(file + " at " + std::to_string(second) + " (the record 2 is damaged)"));
  CHECK_THAT(verified.text, contains("2 of 200 bytes are whole, damage was found in 1 place\n"));
  const said dumped = braid_log("dump " + directory, " 2>/dev/null");
  CHECK(dumped.code == 1);
  CHECK(dumped.text == "1\t" + nth_body(1) + "\n3\t" + nth_body(3) + "\n");

  // A torn tail is no damage, and stays what it is.
  std::ofstream(file, std::ios::app | std::ios::binary) << "torn";
  const auto size = std::filesystem::file_size(file);
  const said torn = braid_log("list " + directory);
  CHECK(torn.code == 0);
  CHECK_THAT(torn.text, contains("the last 4 bytes are no whole records"));
  CHECK(std::filesystem::file_size(file) == size);
}

TEST_CASE("braid-log: says what is wrong with what it is given", "[messaging][braid_log]") {
  const scratch_folder folder;
  const std::string missing = folder / "missing";
  for (const std::string command : {"list ", "dump ", "verify ", "cut --after 0 "}) {
    CAPTURE(command);
    const said none = braid_log(command + missing);
    CHECK(none.code == 3);
    CHECK_THAT(none.text, contains(missing));
    const said empty = braid_log(command + folder.path().string());
    CHECK(empty.code == 3);
    CHECK_THAT(empty.text, contains(folder.path().string() + ": there is no log in this directory"));
  }
  CHECK(std::filesystem::is_empty(folder.path()));  // cut has made none
  for (const char* const wrong : {"", "list", "show x", "dump x --from 0", "dump x --to -1",
                                  "cut x --after 18446744073709551616", "cut x", "list x y"}) {
    CAPTURE(wrong);
    const said refused = braid_log(wrong);
    CHECK(refused.code == 2);
    CHECK_THAT(refused.text, contains("braid-log: "));
  }
  CHECK(braid_log("--help").code == 0);
  CHECK_THAT(braid_log("--help").text, contains("Exit codes"));

  loop here;
  auto journal = here.run(messaging::log::open(folder / "log"));
  here.run(append_bodies(journal, 3));
  here.run(journal.close());
  const std::string directory = folder / "log";
  CHECK_THAT(braid_log("dump " + directory + " --from 7").text, contains("the last record is 3"));
  CHECK(braid_log("dump " + directory, " >/dev/full 2>/dev/null").code == 3);
}
