#include "braid/base/error.hpp"

#include <exception>
#include <memory>
#include <source_location>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "catch.hpp"

namespace {

using braid::errc;
using braid::error;
using braid_tests::contains;

std::vector<std::source_location> two_places() {
  return {std::source_location::current(), std::source_location::current()};
}

template <class F>
error caught(F f) {
  try {
    f();
  } catch (...) {
    return error::current();
  }
  throw std::logic_error("nothing was thrown");
}

TEST_CASE("error: a code alone has no exception, no call and no stack", "[base][error]") {
  const error failure = std::errc::timed_out;
  CHECK(failure.code() == std::make_error_code(std::errc::timed_out));
  CHECK(failure.exception() == nullptr);
  CHECK(failure.call().empty());
  CHECK(failure.stack().empty());
  CHECK(failure.message() == std::make_error_code(std::errc::timed_out).message());
  CHECK(failure == std::errc::timed_out);
  CHECK_FALSE(failure == std::errc::io_error);
  CHECK_FALSE(failure == errc::end_of_stream);
}

TEST_CASE("error: braid's own codes have a category and texts of their own", "[base][error]") {
  const std::error_code code = errc::end_of_stream;
  CHECK(code.category() == braid::braid_category());
  CHECK(std::string(code.category().name()) == "braid");
  CHECK(error(errc::end_of_stream).message() == "End of stream");
  CHECK(error(errc::broken_promise).message() == "Broken promise");
  CHECK(error(errc::exception).message() == "Exception without an error code");
  CHECK(braid::braid_category().message(99) == "Unknown error");
  CHECK(error(errc::broken_promise) == errc::broken_promise);
  CHECK_FALSE(error(errc::broken_promise) == errc::end_of_stream);
}

TEST_CASE("error: the message names the call, its object and the text of the code", "[base][error]") {
  const auto denied = std::make_error_code(std::errc::permission_denied);
  const error both(denied, "open_file", "/etc/shadow");
  CHECK(both.call() == "open_file");
  CHECK(both.message() == "open_file /etc/shadow: " + denied.message());
  CHECK(error(denied, "accept").message() == "accept: " + denied.message());
}

TEST_CASE("error: a code is thrown as a system_error with the same text", "[base][error]") {
  const error failure(std::make_error_code(std::errc::is_a_directory), "read_some", "/etc");
  try {
    failure.rethrow();
  } catch (const std::system_error& e) {
    CHECK(e.code() == std::errc::is_a_directory);
    CHECK(std::string(e.what()) == failure.message());
  }
  try {
    error(std::errc::timed_out).rethrow();
  } catch (const std::system_error& e) {
    CHECK(std::string(e.what()) == error(std::errc::timed_out).message());
  }
}

TEST_CASE("error: a caller's exception passes through untouched", "[base][error]") {
  const auto original = std::make_exception_ptr(std::out_of_range("seven"));
  const error failure(original);
  CHECK(failure == errc::exception);
  CHECK(failure.exception() == original);
  CHECK(failure.message() == "seven");
  try {
    failure.rethrow();
  } catch (const std::out_of_range&) {
    CHECK(std::current_exception() == original);
  }
  CHECK_THROWS_AS(failure.rethrow(), std::out_of_range);  // and it can be thrown again
}

TEST_CASE("error: a system_error keeps its code; an exception of any other type has a text, too",
          "[base][error]") {
  CHECK(error(std::make_exception_ptr(std::system_error(ENOENT, std::generic_category(), "x"))) ==
        std::errc::no_such_file_or_directory);
  const error odd(std::make_exception_ptr(7));
  CHECK(odd == errc::exception);
  CHECK_THAT(odd.message(), contains("no std::exception"));
  CHECK_THROWS_AS(odd.rethrow(), int);
}

TEST_CASE("error: an empty exception_ptr makes an error that says so", "[base][error]") {
  const error none{std::exception_ptr()};
  CHECK(none == errc::exception);
  CHECK_THROWS_AS(none.rethrow(), std::logic_error);
  CHECK_THAT(none.message(), contains("holds no exception"));
}

TEST_CASE("error: current() finds the call and the stack of the error that was thrown", "[base][error]") {
  error failure(std::make_error_code(std::errc::no_such_file_or_directory), "open_file", "/nowhere");
  failure.set_stack(two_places());
  const error again = caught([&] { failure.rethrow(); });
  CHECK(again == failure);
  CHECK(again.call() == "open_file");
  CHECK(again.stack().size() == 2);
  CHECK(again.message() == failure.message());
  const error third = caught([&] { again.rethrow(); });
  CHECK(third.stack().size() == 2);
  CHECK(third.message() == failure.message());
}

TEST_CASE("error: current() does not mistake another exception for the last error", "[base][error]") {
  error failure(std::make_error_code(std::errc::no_such_file_or_directory), "open_file", "/nowhere");
  failure.set_stack(two_places());
  const error other = caught([&] {
    try {
      failure.rethrow();
    } catch (const std::system_error&) {
      throw std::runtime_error("another");
    }
  });
  CHECK(other.message() == "another");
  CHECK(other.call().empty());
  CHECK(other.stack().empty());
}

TEST_CASE("error: setting the stack of a copy leaves the original unchanged", "[base][error]") {
  const error first(std::make_error_code(std::errc::io_error), "sync", "/dev/full");
  error copy = first;
  copy.set_stack(two_places());
  CHECK(copy.stack().size() == 2);
  CHECK(first.stack().empty());
  CHECK(copy.message() == first.message());

  error bare = std::errc::io_error;
  bare.set_stack(two_places());
  CHECK(bare.stack().size() == 2);
  CHECK(bare.stack()[0].line() == two_places()[0].line());
}

TEST_CASE("error: copies, moves and assignments keep call, object and code", "[base][error]") {
  error first(std::make_error_code(std::errc::io_error), "sync", "/dev/full");
  error second = std::errc::timed_out;
  second = first;
  CHECK(second.message() == first.message());
  second = *&second;
  CHECK(second.message() == first.message());
  const error third = std::move(first);
  CHECK(third.call() == "sync");
  second = error(std::errc::timed_out);
  CHECK(second.call().empty());
  CHECK(third == error(std::errc::io_error));  // errors compare by their code
}

TEST_CASE("error: copies may be used and dropped on several threads at once", "[base][error][threads]") {
  error shared(std::make_error_code(std::errc::io_error), "sync", "/dev/full");
  std::vector<std::thread> threads;
  std::vector<std::size_t> depths(4);
  for (std::size_t i = 0; i < depths.size(); ++i)
    threads.emplace_back([copy = shared, &depth = depths[i]]() mutable {
      for (int n = 0; n < 1000; ++n) {
        error mine = copy;
        mine.set_stack(two_places());
        depth = mine.stack().size();
      }
    });
  for (std::thread& each : threads) each.join();
  CHECK(depths == std::vector<std::size_t>(4, 2));
  CHECK(shared.stack().empty());
}

TEST_CASE("error: suppress keeps the other errors", "[base][error]") {
  error first(std::make_error_code(std::errc::io_error), "read_some", "/spool");
  CHECK(first.suppressed().empty());
  const error before = first;
  first.suppress(std::errc::timed_out);
  first.suppress(error(std::make_exception_ptr(std::runtime_error("third"))));
  REQUIRE(first.suppressed().size() == 2);
  CHECK(first.suppressed()[0] == std::errc::timed_out);
  CHECK(first.suppressed()[1].message() == "third");
  CHECK(before.suppressed().empty());  // an earlier copy is unchanged
  CHECK_THAT(first.message(), contains("read_some /spool"));

  // A throw and a catch keep them.
  try {
    first.rethrow();
  } catch (...) {
    CHECK(error::current().suppressed().size() == 2);
  }
}

}  // namespace

TEST_CASE("error: a caught exception is destroyed at the end of its catch block", "[base][error]") {
  struct holds : std::runtime_error {
    explicit holds(std::shared_ptr<int> what) : runtime_error("holds"), held(std::move(what)) {}
    std::shared_ptr<int> held;
  };
  const auto held = std::make_shared<int>(1);
  const auto throw_one = [&](const error* other) {
    error failure = caught([&] { throw holds(held); });
    failure.set_stack(two_places());
    if (other != nullptr) failure.suppress(*other);
    failure.rethrow();
  };
  SECTION("an exception alone") {
    try {
      throw_one(nullptr);
    } catch (const holds&) {
      CHECK(held.use_count() == 2);  // the other owner is the exception
    }
    CHECK(held.use_count() == 1);
  }
  SECTION("an exception with suppressed errors that became an error again") {
    try {
      const error other = caught([&] { throw holds(held); });
      throw_one(&other);
    } catch (...) {
      const error again = error::current();
      CHECK(again.stack().size() == 2);
      CHECK(again.suppressed().size() == 1);
    }
    CHECK(held.use_count() == 1);
  }
  SECTION("an exception that suppressed errors hold, too, as after a join of operations that share it") {
    try {
      const error one = caught([&] { throw holds(held); });
      error first = one, second = one;
      second.set_stack(two_places());
      error third = std::errc::io_error;
      third.suppress(second);
      first.suppress(second);
      first.suppress(third);
      first.rethrow();
    } catch (...) {
      const error again = error::current();
      REQUIRE(again.suppressed().size() == 2);
      CHECK(again.suppressed()[0].message() == "holds");
      CHECK(again.suppressed()[0].exception() == std::current_exception());
      CHECK(again.suppressed()[0].stack().size() == 2);
      REQUIRE(again.suppressed()[1].suppressed().size() == 1);
      CHECK(again.suppressed()[1].suppressed()[0].message() == "holds");
      CHECK(caught([&] { again.rethrow(); }).suppressed()[0].message() == "holds");
    }
    CHECK(held.use_count() == 1);
  }
  SECTION("the next exception at the same address has no stack") {
    for (int i = 0; i < 100; ++i) {
      try {
        throw_one(nullptr);
      } catch (const holds&) {}
      CHECK(caught([&] { throw holds(held); }).stack().empty());
    }
  }
}

TEST_CASE("error: call and code go with an exception to another thread", "[base][error]") {
  std::exception_ptr carried;
  try {
    error(std::make_error_code(std::errc::io_error), "read_some", "/etc").rethrow();
  } catch (...) {
    carried = std::current_exception();
  }
  error seen{std::error_code{}};
  std::thread([&] { seen = caught([&] { std::rethrow_exception(carried); }); }).join();
  CHECK(seen.call() == "read_some");
  CHECK(seen.code() == std::errc::io_error);
}
