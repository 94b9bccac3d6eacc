#include "versions.hpp"

#include <stdlib.h>  // setenv

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "catch.hpp"
#include "every_cancellation.hpp"
#include "stage/temporary_folder.hpp"

using namespace error_boundaries;
using braid_tests::contains;

namespace {

// Each thread of the blocking pool keeps some freed blocks, how many depends on which thread gets which file.
// With one thread the sweep below can compare the memory before and after it exactly.
[[maybe_unused]] const int one_thread = ::setenv("BRAID_BLOCKING_THREADS", "1", 1);

// Three files in their own folder; they exist once the test has written them.
struct settings_folder {
  std::filesystem::path file(const char* name) const { return folder.path() / name; }
  void write(const char* name, const char* text) const { std::ofstream(file(name)) << text; }

  stage::temporary_folder folder;
  places all{{file("mine"), file("ours"), file("theirs")}};
  error_log log;
  std::vector<error> unhandled;
  braid::loop loop;

  settings_folder() {
    loop.on_unhandled_error([this](const error& why) { unhandled.push_back(why); });
  }
};

// The first error of a join suppresses the others; the kernel decides which one is first.
std::vector<std::string> messages_of(const error& first) {
  std::vector<std::string> all{first.message()};
  for (const error& other : first.suppressed()) all.push_back(other.message());
  std::ranges::sort(all);
  return all;
}

std::string is_missing(const std::filesystem::path& file) {
  return "open_file " + file.string() + ": No such file or directory";
}

}  // namespace

TEST_CASE("error_boundaries: in every style one of three files is enough, and the log stays empty",
          "[error_boundaries]") {
  const stage::style how = GENERATE(from_range(stage::every_style));
  CAPTURE(name_of(how));
  settings_folder at;
  at.write("theirs", "colour red");

  CHECK(load(how, boundary::around_the_wait, at.all, at.log).colour == "red");
  CHECK(at.log.written().empty());
}

TEST_CASE("error_boundaries: in every style the boundary gets one error, with the others and all stacks",
          "[error_boundaries]") {
  const stage::style how = GENERATE(from_range(stage::every_style));
  CAPTURE(name_of(how));
  settings_folder at;

  CHECK(load(how, boundary::around_the_wait, at.all, at.log).colour == "grey");
  REQUIRE(at.log.written().size() == 1);
  const error& why = at.log.written()[0];
  CHECK(why == std::errc::no_such_file_or_directory);
  CHECK(messages_of(why) == std::vector{is_missing(at.file("mine")), is_missing(at.file("ours")),
                                        is_missing(at.file("theirs"))});
  const std::string stack = format_stack(why);
  CHECK_THAT(stack, contains("read_file"));
  CHECK_THAT(stack, contains("load"));
  CHECK_THAT(stack, contains("suppressed: " + why.suppressed()[1].message()));
  CHECK(at.unhandled.empty());
}

TEST_CASE("error_boundaries: in every style the boundary gets an exception of the step after the wait",
          "[error_boundaries]") {
  const stage::style how = GENERATE(from_range(stage::every_style));
  CAPTURE(name_of(how));
  settings_folder at;
  at.write("mine", "coolor red");

  CHECK(load(how, boundary::around_the_wait, at.all, at.log).colour == "grey");
  REQUIRE(at.log.written().size() == 1);
  CHECK(at.log.written()[0].message() == "these settings have no colour: coolor red");
  CHECK(at.log.written()[0].code() == errc::exception);
  CHECK(at.unhandled.empty());
}

TEST_CASE("error_boundaries: a try around the start catches neither the wait's failure nor a later one",
          "[error_boundaries]") {
  const stage::style how = GENERATE(stage::style::future, stage::style::coroutine, stage::style::fiber);
  const bool missing = GENERATE(false, true);
  CAPTURE(name_of(how), missing);
  settings_folder at;
  if (!missing) at.write("mine", "coolor red");

  CHECK_THROWS_WITH(load(how, boundary::around_the_start, at.all, at.log),
                    contains(missing ? "No such file or directory" : "these settings have no colour"));
  CHECK(at.log.written().empty());
  CHECK(at.unhandled.empty());
}

TEST_CASE("error_boundaries: a callback that throws has no caller, and its waiter waits in vain",
          "[error_boundaries]") {
  const bool missing = GENERATE(false, true);
  CAPTURE(missing);
  settings_folder at;
  if (!missing) at.write("mine", "coolor red");

  // The handler `done` is destroyed without a call; the test only notices because `done` holds a promise.
  CHECK_THROWS_WITH(load(stage::style::callback, boundary::around_the_start, at.all, at.log),
                    "Broken promise");
  CHECK(at.log.written().empty());
  REQUIRE(at.unhandled.size() == 1);
  CHECK_THAT(at.unhandled[0].message(),
             contains(missing ? "No such file or directory" : "these settings have no colour"));
}

TEST_CASE("error_boundaries: a try around detach catches nothing; the unhandled-error handler gets the error",
          "[error_boundaries]") {
  settings_folder at;
  settings now;
  coroutines::refresh(at.all, now, at.log);
  at.loop.run();
  CHECK(at.log.written().empty());
  REQUIRE(at.unhandled.size() == 1);
  CHECK(messages_of(at.unhandled[0]).size() == 3);
  CHECK_THAT(format_stack(at.unhandled[0]), contains("refresh"));

  at.write("ours", "colour blue");
  coroutines::refresh(at.all, now, at.log);
  at.loop.run();
  CHECK(now.colour == "blue");
}

TEST_CASE("error_boundaries: a coroutine and a fiber can be stopped at every await, and no stop is logged",
          "[error_boundaries]") {
  const bool fiber = GENERATE(false, true);
  CAPTURE(fiber);
  const stage::temporary_folder folder;
  std::ofstream(folder.path() / "mine") << "colour red";
  const places mine({folder.path() / "mine", folder.path() / "ours"});
  const std::size_t suspensions = braid_tests::every_cancellation_with_memory([&mine, fiber]() -> task<> {
    error_log log;
    settings got;
    if (fiber)
      got = co_await in_fiber([&] { return fibers::load(mine, log); });
    else
      got = co_await coroutines::load(mine, log);
    const bool default_for_a_reason = got.colour == "grey" && log.written().size() == 1;
    if (got.colour != "red" && !default_for_a_reason) throw std::logic_error("neither read nor logged");
    for (const error& why : log.written())  // "ours" is missing, and that error may come before the stop
      if (why != std::errc::no_such_file_or_directory) throw std::logic_error("a stop was logged");
  });
  CHECK(suspensions > 1);
}
