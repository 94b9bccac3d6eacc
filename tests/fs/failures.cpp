// Bad input to the file operations: in each style the same code, a message that names call and object, and no
// leak.

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>

#include "braid/fs/file.hpp"
#include "braid/fs/whole_file.hpp"
#include "catch.hpp"
#include "check_fails.hpp"
#include "child_process.hpp"
#include "descriptors.hpp"
#include "every_style.hpp"
#include "scratch_folder.hpp"

using namespace braid;
using namespace braid_tests;

namespace {

// For child processes, which cannot use the framework's assertions: throws, and the child prints the message.
template <class S>
void expect_in_child(const any_style& style, S&& op, std::errc expected, const std::string& object) {
  auto ended = style.wait(std::forward<S>(op));
  if (ended || ended.error() != expected || ended.error().message().find(object) == std::string::npos)
    throw std::runtime_error(ended ? "the operation did not fail" : ended.error().message());
}

}  // namespace

TEST_CASE("open_file: fails for a missing file", "[fs][failure]") {
  IN_EVERY_STYLE(style);
  check_fails(style, open_file("/nowhere/at/all"), std::errc::no_such_file_or_directory, "open_file",
              "/nowhere/at/all");
  check_fails(style, read_file("/nowhere/at/all"), std::errc::no_such_file_or_directory, "open_file",
              "/nowhere/at/all");
  check_fails(style, write_file("/nowhere/at/all", "x"), std::errc::no_such_file_or_directory, "open_file",
              "/nowhere/at/all");
}

TEST_CASE("open_file: fails for a path through a file, a long name, and a folder to be written",
          "[fs][failure]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  check_fails(style, open_file("/dev/null/inside"), std::errc::not_a_directory, "open_file",
              "/dev/null/inside");
  const std::string long_name = "/" + std::string(300, 'n');
  check_fails(style, open_file(long_name), std::errc::filename_too_long, "open_file", "nnn");
  check_fails(style, open_file(folder / "", O_WRONLY), std::errc::is_a_directory, "open_file",
              (folder / "").string());
  check_fails(style, open_file(folder / "", O_RDONLY | O_CREAT | O_EXCL), std::errc::is_a_directory,
              "open_file", (folder / "").string());
}

TEST_CASE("open_file: fails for an empty path", "[fs][failure]") {
  IN_EVERY_STYLE(style);
  check_fails(style, open_file(""), std::errc::no_such_file_or_directory, "open_file", "\"\"");
  check_fails(style, read_file(""), std::errc::no_such_file_or_directory, "open_file", "\"\"");
}

TEST_CASE("open_file: refuses a path with a zero byte in it", "[fs][failure]") {
  IN_EVERY_STYLE(style);
  using namespace std::string_literals;
  check_fails(style, open_file("/dev/null\0.txt"s), std::errc::invalid_argument, "open_file",
              "/dev/null?.txt");
}

TEST_CASE("read_some: fails for a folder", "[fs][failure]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  const auto path = (folder / "inner").string();
  REQUIRE(::mkdir(path.c_str(), 0777) == 0);
  std::string room(16, '?');
  loop here;
  const file directory = style.wait(open_file(path)).value();
  check_fails(style, directory.read_some(room), std::errc::is_a_directory, "read_some", path);
  check_fails(style, read_file(path), std::errc::is_a_directory, "read_some", path);
}

TEST_CASE("open_file: fails without permission", "[fs][failure]") {
  IN_EVERY_STYLE(style);
  if (!style.works_in_child()) return;
  const scratch_folder folder;
  const auto path = folder / "secret";
  { const file made = style.wait(open_file(path, O_WRONLY | O_CREAT, 0000)).value(); }
  const auto ended = in_child([&] {
    constexpr uid_t nobody = 65534;
    if (::geteuid() == 0 && (::chmod(path.parent_path().c_str(), 0755) != 0 || ::setuid(nobody) != 0))
      throw std::system_error(errno, std::generic_category(), "setuid");
    expect_in_child(style, open_file(path), std::errc::permission_denied, path.string());
    expect_in_child(style, open_file(path, O_RDWR), std::errc::permission_denied, path.string());
  });
  CHECK(ended.errors == "");
  CHECK(ended.exit_status() == 0);
}

TEST_CASE("open_file: fails at the limit of open descriptors", "[fs][failure]") {
  IN_EVERY_STYLE(style);
  if (!style.works_in_child()) return;
  const auto ended = in_child([&] {
    loop here;
    std::string room(16, '?');
    const file zero = style.wait(open_file("/dev/zero")).value();
    const rlimit none_left{static_cast<rlim_t>(zero.number()) + 1, 1024};
    if (::setrlimit(RLIMIT_NOFILE, &none_left) != 0)
      throw std::system_error(errno, std::generic_category(), "setrlimit");
    for (int i = 0; i < 3; ++i)
      expect_in_child(style, open_file("/dev/null"), std::errc::too_many_files_open, "/dev/null");
    // Open files go on to work.
    if (style.wait(zero.read_some(room)).value() != 16)
      throw std::runtime_error("the open file does not read");
  });
  CHECK(ended.errors == "");
  CHECK(ended.exit_status() == 0);
}

TEST_CASE("file: every operation on a closed file fails", "[fs][failure]") {
  IN_EVERY_STYLE(style);
  std::string room(16, '?');
  const file none = file::from_descriptor(-1);
  const auto bad = std::errc::bad_file_descriptor;
  check_fails(style, none.read_some(room), bad, "read_some", "descriptor -1");
  check_fails(style, none.read_at(0, room), bad, "read_at", "descriptor -1");
  check_fails(style, none.read_exactly(room), bad, "read_exactly", "descriptor -1");
  check_fails(style, none.write_some("x"), bad, "write_some", "descriptor -1");
  check_fails(style, none.write_at(0, "x"), bad, "write_at", "descriptor -1");
  check_fails(style, none.write_all("x"), bad, "write_all", "descriptor -1");
  check_fails(style, none.sync(), bad, "sync", "descriptor -1");
  check_fails(style, none.datasync(), bad, "datasync", "descriptor -1");
  check_fails(style, none.truncate(0), bad, "truncate", "descriptor -1");
  check_fails(style, none.size(), bad, "size", "descriptor -1");
  check_fails(style, file::from_descriptor(-1).close(), bad, "close", "descriptor -1");
}

TEST_CASE("file: operations fail if other code has closed the descriptor", "[fs][failure]") {
  IN_EVERY_STYLE(style);
  loop here;  // made first, so that its own descriptors do not take the number
  int number;
  {
    pipe_ends ends;
    number = ends.reader();
  }
  std::string room(16, '?');
  file gone = file::from_descriptor(number);
  check_fails(style, gone.read_some(room), std::errc::bad_file_descriptor, "read_some",
              "descriptor " + std::to_string(number));
  check_fails(style, gone.close(), std::errc::bad_file_descriptor, "close",
              "descriptor " + std::to_string(number));
}

TEST_CASE("write_some: fails on a full disk", "[fs][failure]") {
  IN_EVERY_STYLE(style);
  loop here;
  const file full = style.wait(open_file("/dev/full", O_WRONLY)).value();
  check_fails(style, full.write_some("x"), std::errc::no_space_on_device, "write_some", "/dev/full");
  check_fails(style, full.write_all("x"), std::errc::no_space_on_device, "write_all", "/dev/full");
  check_fails(style, full.write_at(0, "x"), std::errc::no_space_on_device, "write_at", "/dev/full");
  check_fails(style, write_file("/dev/full", "x"), std::errc::no_space_on_device, "write_all", "/dev/full");
}

TEST_CASE("file: reading a file opened for writing fails, and the reverse", "[fs][failure]") {
  IN_EVERY_STYLE(style);
  loop here;
  std::string room(16, '?');
  const file reader = style.wait(open_file("/dev/zero", O_RDONLY)).value();
  const file writer = style.wait(open_file("/dev/null", O_WRONLY)).value();
  check_fails(style, reader.write_some("x"), std::errc::bad_file_descriptor, "write_some", "/dev/zero");
  check_fails(style, writer.read_some(room), std::errc::bad_file_descriptor, "read_some", "/dev/null");
}

TEST_CASE("file: an offset that no file has is an error", "[fs][failure]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  loop here;
  const auto path = folder / "one";
  const file one = style.wait(open_file(path, O_RDWR | O_CREAT)).value();
  std::string room(16, '?');
  for (const std::uint64_t beyond :
       {std::uint64_t(INT64_MAX) + 1, ~std::uint64_t{0} - 1, ~std::uint64_t{0}}) {
    check_fails(style, one.read_at(beyond, room), std::errc::invalid_argument, "read_at", path.string());
    check_fails(style, one.write_at(beyond, "x"), std::errc::invalid_argument, "write_at", path.string());
    check_fails(style, one.truncate(beyond), std::errc::invalid_argument, "truncate", path.string());
  }
  CHECK(style.wait(one.size()).value() == 0);
}

TEST_CASE("read_exactly: an early end of the file is an error", "[fs][failure]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  loop here;
  const auto path = folder / "short";
  CHECK(style.wait(write_file(path, "12345")));
  const file one = style.wait(open_file(path)).value();
  std::string room(6, '?');
  check_fails(style, one.read_exactly(room), make_error_code(errc::end_of_stream), "read_exactly",
              path.string());
  CHECK(room == "12345?");
  REQUIRE(::lseek(one.number(), 0, SEEK_SET) == 0);
  CHECK(style.wait(one.read_exactly(room)).error().transferred() == 5);
  CHECK(style.wait(one.read_some(room)).value() == 0);
}

TEST_CASE("write_all: a pipe without a reader is an error", "[fs][failure]") {
  IN_EVERY_STYLE(style);
  loop here;
  pipe_ends ends;
  ends.close_reader();
  const file writer = file::from_descriptor(ends.release_writer());
  check_fails(style, writer.write_all("x"), std::errc::broken_pipe, "write_all", "pipe");
}
