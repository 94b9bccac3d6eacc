#include "braid/fs/whole_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstddef>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "allocations.hpp"
#include "braid/fs/file.hpp"
#include "catch.hpp"
#include "descriptors.hpp"
#include "every_style.hpp"
#include "scratch_folder.hpp"

using namespace braid;
using namespace braid_tests;

TEST_CASE("write_file, read_file: contents of every size are read back", "[fs][whole_file]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  const auto before = open_descriptors();
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{4095}, std::size_t{4096}, std::size_t{300'000}}) {
    const std::string text(size, 'x');
    CHECK(style.wait(write_file(folder / "text", text)));
    CHECK((style.wait(read_file(folder / "text")).value() == text));
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("write_file: replaces a longer file", "[fs][whole_file]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  CHECK(style.wait(write_file(folder / "text", "a longer text")));
  CHECK(style.wait(write_file(folder / "text", "short")));
  CHECK(style.wait(read_file(folder / "text")).value() == "short");
}

TEST_CASE("read_file: reads files that report no size", "[fs][whole_file]") {
  IN_EVERY_STYLE(style);
  const auto status = style.wait(read_file("/proc/self/status"));
  REQUIRE(status);
  CHECK_THAT(*status, contains("VmPeak"));
  // Some of these files give their only line to the first read and nothing to later ones.
  const auto system_read = [](const char* path) {
    std::ifstream from(path);
    return std::string(std::istreambuf_iterator<char>(from), {});
  };
  for (const char* path : {"/proc/sys/kernel/pid_max", "/proc/sys/kernel/ostype", "/proc/version",
                           "/sys/kernel/mm/transparent_hugepage/enabled", "/proc/cpuinfo"}) {
    std::ifstream there(path);
    if (!there) continue;
    CAPTURE(path);
    const std::string expected = system_read(path), got = style.wait(read_file(path)).value();
    if (std::string_view(path) == "/proc/cpuinfo")
      CHECK(got.substr(0, 9) == expected.substr(0, 9));  // the rest contains clock rates, which change
    else
      CHECK(got == expected);
  }
}

TEST_CASE("read_file: a string for contents of unknown size only doubles", "[fs][whole_file]") {
  const scratch_folder folder;
  const std::string fifo = folder / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  loop here;
  for (const std::size_t size : {100'000, 200'000, 300'000, 500'000}) {
    const std::string sent(size, 'x');
    auto writing = spawn(write_file(fifo, sent));
    const std::size_t before = bytes_allocated();
    const std::string got = here.run(read_file(fifo));
    const std::size_t taken = bytes_allocated() - before;
    here.run(std::move(writing));
    CHECK((got == sent));
    CHECK(taken < 4 * size);  // its last capacity, of up to twice the size, and as much for all before it
  }
}

TEST_CASE("read_file: reads a file to its end while it grows or shrinks", "[fs][whole_file]") {
  const scratch_folder folder;
  loop here;
  const auto path = folder / "grows";
  for (const std::size_t size : {std::size_t{1}, std::size_t{300'000}}) {
    here.run(write_file(path, std::string(size, 'x')));
    const file end = here.run(open_file(path, O_WRONLY | O_APPEND));
    auto reading = spawn(read_file(path));
    here.run(end.write_all("more"));
    const std::string got = here.run(std::move(reading));
    CHECK((got == std::string(size, 'x') || got == std::string(size, 'x') + "more"));
    auto again = spawn(read_file(path));
    here.run(end.truncate(0));
    CHECK(here.run(std::move(again)).size() <= size + 4);
  }
}
