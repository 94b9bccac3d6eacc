// A device's error cuts reads short, on the real kernel and in the simulation: a part must never pass for the
// whole.

#include <fcntl.h>
#include <unistd.h>

#include <span>
#include <string>
#include <string_view>

#include "braid/fs/file.hpp"
#include "braid/fs/whole_file.hpp"
#include "braid/sim/faulty.hpp"
#include "braid/sim/world.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "every_style.hpp"
#include "files.hpp"
#include "scratch_folder.hpp"

using namespace braid;
using namespace braid_tests;
using sim::fault;

namespace {

// The first read returns a part, the second one fails.
void add_broken_device(sim::fault_schedule& to) {
  to.add({.what = fault::short_read, .nth = 1, .only = opcode::read});
  to.add({.what = fault::io_error, .nth = 2, .only = opcode::read});
}

}  // namespace

TEST_CASE("read_file: a device that fails midway is an error; the next attempt reads everything",
          "[fs][cut_short][exact]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  const std::string text = numbered_text(100'000);
  run(write_file(folder / "text", text));
  sim::fault_schedule faults;
  add_broken_device(faults);
  loop here({}, sim::faulty(make_reactor({}), faults));
  const auto ended = style.wait(read_file(folder / "text"));
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == std::errc::io_error);
  CHECK((style.wait(read_file(folder / "text")).value() == text));
  CHECK(faults.happened() == 2);
  faults.clear();
  add_broken_device(faults);
  CHECK(style.wait(read_file_at_most(folder / "text", text.size())).error() == std::errc::io_error);
}

TEST_CASE(
    "read_exactly: the error of a device that fails midway says how much was read; the next read goes on "
    "there",
    "[fs][cut_short][exact][position]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  const std::string text = numbered_text(100'000);
  run(write_file(folder / "text", text));
  sim::fault_schedule faults;
  add_broken_device(faults);
  loop here({}, sim::faulty(make_reactor({}), faults));
  const file from = here.run(open_file(folder / "text"));
  std::string room(text.size(), '?');
  const auto ended = style.wait(from.read_exactly(room));
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == std::errc::io_error);
  const std::size_t done = ended.error().transferred();
  CHECK(done > 0);
  CHECK(done < text.size());
  CHECK((room.substr(0, done) == text.substr(0, done)));
  CHECK(::lseek(from.number(), 0, SEEK_CUR) == static_cast<off_t>(done));
  REQUIRE(style.wait(from.read_exactly(std::span(room).subspan(done))));
  CHECK((room == text));
  CHECK(style.wait(from.read_some(std::span(room))).value() == 0);
}

TEST_CASE(
    "write_all: the error of a device that fails midway says how much was written; the next write goes on "
    "there",
    "[fs][cut_short][exact][position]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  const std::string text = numbered_text(100'000);
  sim::fault_schedule faults;
  faults.add({.what = fault::short_write, .nth = 1, .only = opcode::write});
  faults.add({.what = fault::io_error, .nth = 2, .only = opcode::write});
  loop here({}, sim::faulty(make_reactor({}), faults));
  const file to = here.run(open_file(folder / "text", O_WRONLY | O_CREAT));
  const auto ended = style.wait(to.write_all(text));
  REQUIRE_FALSE(ended);
  CHECK(ended.error() == std::errc::io_error);
  const std::size_t done = ended.error().transferred();
  CHECK((here.run(read_file(folder / "text")) == text.substr(0, done)));
  REQUIRE(style.wait(to.write_all(std::string_view(text).substr(done))));
  CHECK((here.run(read_file(folder / "text")) == text));
}

TEST_CASE("read_file, read_exactly: a device that fails midway does the same in the simulation",
          "[fs][cut_short][exact]") {
  const std::string text = numbered_text(10'000);
  sim::world here(1);
  here.add_host("local").put("/text", text);
  add_broken_device(here.faults());
  CHECK(here.run(as_result(read_file("/text"))).error() == std::errc::io_error);
  CHECK((here.run(read_file("/text")) == text));

  here.faults().clear();
  add_broken_device(here.faults());
  const auto in_two = [&]() -> task<std::string> {
    const file from = co_await open_file("/text");
    std::string room(text.size(), '?');
    const auto ended = co_await as_result(from.read_exactly(room));
    CHECK(ended.error() == std::errc::io_error);
    const std::size_t done = ended.error().transferred();
    CHECK(done > 0);
    co_await from.read_exactly(std::span(room).subspan(done));
    co_return room;
  };
  CHECK((here.run(in_two()) == text));
}
