#include "braid/base/result_steps.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include "braid/base/result.hpp"
#include "catch.hpp"

namespace {

using braid::capture;
using braid::errc;
using braid::error;
using braid::result;

TEST_CASE("result: and_then and transform run for a value, or_else for an error", "[base][result]") {
  const auto half = [](int n) -> result<std::string> {
    if (n % 2 != 0) return std::errc::invalid_argument;
    return std::to_string(n / 2);
  };
  CHECK(*result<int>(8).and_then(half) == "4");
  CHECK(result<int>(7).and_then(half).error() == std::errc::invalid_argument);
  CHECK(result<int>(std::errc::timed_out).and_then(half).error() == std::errc::timed_out);

  CHECK(*result<int>(8).transform([](int n) { return n * 2; }) == 16);
  static_assert(std::is_same_v<decltype(result<int>(8).transform([](int) {})), result<void>>);
  int seen = 0;
  CHECK(result<int>(8).transform([&](int n) { seen = n; }));
  CHECK(seen == 8);
  CHECK(result<int>(std::errc::timed_out).transform([&](int) { seen = 0; }).error() == std::errc::timed_out);
  CHECK(seen == 8);

  const auto forgive = [](const error& e) -> result<int> {
    if (e == std::errc::timed_out) return 0;
    return std::errc::io_error;
  };
  CHECK(*result<int>(3).or_else(forgive) == 3);
  CHECK(*result<int>(std::errc::timed_out).or_else(forgive) == 0);
  CHECK(result<int>(std::errc::interrupted).or_else(forgive).error() == std::errc::io_error);
}

TEST_CASE("result: a step on an lvalue gets the value in place and leaves it there", "[base][result]") {
  result<std::string> r = "abc";
  const result<std::string>& same = r;
  const auto reached = [&](auto& value) { return std::as_const(value).data() == r->data(); };
  CHECK(*r.transform([&](std::string& value) { return reached(value); }));
  CHECK(*same.transform([&](const std::string& value) { return reached(value); }));
  CHECK(r.and_then([&](std::string& value) -> result<void> {
    value += "d";
    return {};
  }));
  CHECK(*same.and_then([](const std::string& value) -> result<std::size_t> { return value.size(); }) == 4);
  CHECK(&*r.transform([](std::string& value) -> std::string& { return value; }) == &*r);
  CHECK(*r.or_else([](error&) -> result<std::string> { return "other"; }) == "abcd");
  CHECK(*same.or_else([](const error&) -> result<std::string> { return "other"; }) == "abcd");
  CHECK(*r.transform_error([](error& e) { return e; }) == "abcd");
  CHECK(*same.transform_error([](const error& e) { return e; }) == "abcd");
  CHECK(*r == "abcd");
  CHECK(std::move(r).transform([](std::string&& value) { return std::move(value); }).value() == "abcd");

  result<std::unique_ptr<int>> owner = std::make_unique<int>(1);
  CHECK(*owner.transform([](std::unique_ptr<int>& value) { return ++*value; }) == 2);
  CHECK(*std::as_const(owner).and_then([](const auto& value) -> result<int> { return *value + 1; }) == 3);
  REQUIRE(*owner);

  result<std::string> failed = std::errc::timed_out;
  const auto size = [](const std::string& value) { return value.size(); };
  CHECK(failed.transform(size).error() == std::errc::timed_out);
  CHECK(std::as_const(failed).transform(size).error() == std::errc::timed_out);
  CHECK(*failed.or_else([](error& e) -> result<std::string> { return e.message(); }) ==
        failed.error().message());
  CHECK(failed.error() == std::errc::timed_out);
}

TEST_CASE("result: transform_error replaces the error", "[base][result]") {
  result<int> r = std::errc::timed_out;
  const auto named = [](const error& e) { return error(e.code(), "read_some", "spool"); };
  CHECK(r.transform_error(named).error().call() == "read_some");
  CHECK(r.error().call().empty());
  CHECK(std::as_const(r).transform_error([](const error&) { return errc::end_of_stream; }) ==
        errc::end_of_stream);
  CHECK(r.transform_error([](const error&) { return std::errc::io_error; }) == std::errc::io_error);
  CHECK(r.transform_error([](const error& e) { return e.code(); }) == std::errc::timed_out);
  const auto thrown = [](error&&) { return std::make_exception_ptr(std::out_of_range("seven")); };
  CHECK_THROWS_AS(std::move(r).transform_error(thrown).value(), std::out_of_range);
  CHECK(result<int>(1).transform_error(thrown) == 1);

  int one = 1;
  result<int&> refers = one;
  CHECK(&*refers.transform_error(named) == &one);
  result<std::unique_ptr<int>> owner = std::make_unique<int>(2);
  CHECK(**std::move(owner).transform_error(named) == 2);
  result<void> ended = std::errc::timed_out;
  CHECK(ended.transform_error(named).error().call() == "read_some");
  CHECK(result<void>().transform_error(named));
}

TEST_CASE("result: the steps work on result<void>", "[base][result]") {
  int calls = 0;
  const auto count = [&] { return ++calls; };
  CHECK(*result<void>().transform(count) == 1);
  CHECK(result<void>().transform([&] { ++calls; }));
  CHECK(*result<void>().and_then([&]() -> result<int> { return ++calls; }) == 3);
  CHECK(result<void>(std::errc::timed_out).transform(count).error() == std::errc::timed_out);
  CHECK_FALSE(result<void>(std::errc::timed_out).and_then([&]() -> result<int> { return ++calls; }));
  CHECK(calls == 3);
  CHECK(result<void>(std::errc::timed_out).or_else([](const error&) { return result<void>(); }));
  CHECK(result<void>().or_else([](const error&) -> result<void> { return std::errc::io_error; }));

  result<void> kept;
  const result<void> failed = std::errc::timed_out;
  CHECK(*kept.transform(count) == 4);
  CHECK(kept.and_then([&]() -> result<void> { return std::errc::io_error; }) == std::errc::io_error);
  CHECK(failed.transform(count) == std::errc::timed_out);
  CHECK(failed.or_else([](const error&) { return result<void>(); }));
  CHECK(calls == 4);
}

}  // namespace
