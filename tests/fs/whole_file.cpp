#include "braid/fs/whole_file.hpp"

#include <cstddef>
#include <string>

#include "catch.hpp"
#include "descriptors.hpp"
#include "every_style.hpp"
#include "scratch_folder.hpp"

using namespace braid;
using namespace braid_tests;

TEST_CASE("write_file, read_file: the contents come back, of every size", "[fs][whole_file]") {
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

TEST_CASE("write_file: replaces what was longer", "[fs][whole_file]") {
  IN_EVERY_STYLE(style);
  const scratch_folder folder;
  CHECK(style.wait(write_file(folder / "text", "a longer text")));
  CHECK(style.wait(write_file(folder / "text", "short")));
  CHECK(style.wait(read_file(folder / "text")).value() == "short");
}

TEST_CASE("read_file: reads files that do not know their size", "[fs][whole_file]") {
  IN_EVERY_STYLE(style);
  const auto status = style.wait(read_file("/proc/self/status"));
  REQUIRE(status);
  CHECK_THAT(*status, contains("VmPeak"));
}
