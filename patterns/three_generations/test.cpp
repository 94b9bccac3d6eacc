#include "versions.hpp"

#include <fstream>
#include <string>
#include <vector>

#include "catch.hpp"
#include "every_cancellation.hpp"
#include "stage/temporary_folder.hpp"

using stage::style;

namespace {

std::vector<std::string> order_of(style how, stage::story& told) {
  const stage::temporary_folder folder;
  std::ofstream(folder.path() / "file") << "the contents";
  braid::loop loop;
  three_generations::show_beside_ticks(how, told, folder.path() / "file");
  return told.events();
}

}  // namespace

TEST_CASE("three_generations: a callback and a future print 1, 2, contents", "[three_generations]") {
  const style how = GENERATE(style::callback, style::future);
  CAPTURE(name_of(how));
  stage::story told;
  CHECK(order_of(how, told) == std::vector<std::string>{"1", "2", "the contents"});
  CHECK(told.ticks_between("2", "the contents") > 0);
}

TEST_CASE("three_generations: a coroutine and a fiber print 1, contents, 2 while the other task runs",
          "[three_generations]") {
  const style how = GENERATE(style::coroutine, style::fiber);
  CAPTURE(name_of(how));
  stage::story told;
  CHECK(order_of(how, told) == std::vector<std::string>{"1", "the contents", "2"});
  CHECK(told.ticks_between("1", "the contents") > 0);
}

TEST_CASE("three_generations: a blocking call stops the other task", "[three_generations]") {
  stage::story told;
  CHECK(order_of(style::blocking, told) == std::vector<std::string>{"1", "the contents", "2"});
  CHECK(told.ticks_between("1", "2") == 0);
}

TEST_CASE("three_generations: in every style a missing file is no_such_file_or_directory",
          "[three_generations]") {
  const style how = GENERATE(from_range(stage::every_style));
  CAPTURE(name_of(how));
  braid::loop loop;
  stage::story told;
  try {
    three_generations::show_beside_ticks(how, told, "/none/such");
    FAIL("it was read");
  } catch (const std::system_error& failure) {
    CHECK(failure.code() == std::errc::no_such_file_or_directory);
    CHECK_THAT(failure.what(), braid_tests::contains("/none/such"));
  }
  const bool goes_on = how == style::callback || how == style::future;
  CHECK(told.events() == (goes_on ? std::vector<std::string>{"1", "2"} : std::vector<std::string>{"1"}));
}

TEST_CASE("three_generations: a coroutine and a fiber can be stopped at every await",
          "[three_generations][stop]") {
  const style how = GENERATE(style::coroutine, style::fiber);
  CAPTURE(name_of(how));
  const stage::temporary_folder folder;
  std::ofstream(folder.path() / "file") << "the contents";
  const std::size_t suspensions = braid_tests::every_cancellation_with_memory([&]() -> braid::task<> {
    stage::story told;
    co_await three_generations::show(how, told, folder.path() / "file");
  });
  CHECK(suspensions > 2);
}
