// Files connected to each style directly, as in a program. The other tests put an any_sender in between.

#include "every_style.hpp"

#include <fcntl.h>

#include <string>

#include "braid/fs/file.hpp"
#include "braid/fs/whole_file.hpp"
#include "catch.hpp"
#include "scratch_folder.hpp"

using namespace braid;
using namespace braid_tests;

TEMPLATE_LIST_TEST_CASE("files: every style opens, writes, reads and closes", "[fs][file]", every_style) {
  const scratch_folder folder;
  loop here;
  file one = TestType::wait(open_file(folder / "one", O_RDWR | O_CREAT)).value();
  CHECK(TestType::wait(one.write_all("some text")));
  CHECK(TestType::wait(one.sync()));
  CHECK(TestType::wait(one.size()).value() == 9);
  std::string room(4, '?');
  CHECK(TestType::wait(one.read_at(5, room)).value() == 4);
  CHECK(room == "text");
  CHECK(TestType::wait(one.truncate(4)));
  CHECK(TestType::wait(one.close()));
  CHECK(TestType::wait(read_file(folder / "one")).value() == "some");
}

TEMPLATE_LIST_TEST_CASE("files: every style reports failures", "[fs][failure]", every_style) {
  loop here;
  const auto missing = TestType::wait(open_file("/nowhere/at/all"));
  REQUIRE_FALSE(missing);
  CHECK(missing.error() == std::errc::no_such_file_or_directory);
  const file none{};
  std::string room(4, '?');
  const auto of_none = TestType::wait(none.read_exactly(room));
  REQUIRE_FALSE(of_none);
  CHECK(of_none.error() == std::errc::bad_file_descriptor);
}
