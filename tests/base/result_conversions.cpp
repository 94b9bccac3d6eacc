#include "braid/base/result.hpp"

#include <any>
#include <memory>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include "catch.hpp"

namespace {

using braid::error;
using braid::result;

// Made of an int only where the program says so.
struct made_of_int {
  explicit made_of_int(int v) : value(v) {}
  int value;
};

struct base {
  int value = 0;
};
struct derived : base {};

// A result converts to another one if its value does. A result of a reference never refers into the other.
static_assert(std::is_convertible_v<result<const char*>, result<std::string>>);
static_assert(std::is_convertible_v<result<derived&>, result<const base&>>);
static_assert(!std::is_convertible_v<result<int>, result<made_of_int>> &&
              std::is_constructible_v<result<made_of_int>, result<int>>);
static_assert(!std::is_constructible_v<result<std::string>, result<base&>>);
static_assert(!std::is_constructible_v<result<std::unique_ptr<int>>, const result<std::unique_ptr<int>>&>);
static_assert(!std::is_constructible_v<result<const int&>, result<int>> &&
              !std::is_constructible_v<result<int&>, result<int>&>);
static_assert(!std::is_constructible_v<result<void>, result<int>> &&
              !std::is_constructible_v<result<int>, result<void>>);
static_assert(std::is_convertible_v<result<int>, result<bool>> &&
              !std::is_constructible_v<result<bool>, result<std::string>>);

TEST_CASE("result: converts from a result of another type", "[base][result]") {
  const result<const char*> text = "abc";
  result<std::string> r = text;
  CHECK(*r == "abc");
  r = result<const char*>(std::errc::timed_out);
  CHECK(r.error() == std::errc::timed_out);
  CHECK(*result<long>(result<int>(7)) == 7);
  const result<made_of_int> made(result<int>(8));
  CHECK(made->value == 8);

  result<std::unique_ptr<derived>> owner = std::make_unique<derived>();
  const derived* const owned = owner->get();
  const result<std::unique_ptr<base>> wider = std::move(owner);
  CHECK(wider->get() == owned);

  derived whole;
  result<derived&> narrow = whole;
  const result<base&> refers = narrow;
  CHECK(&*refers == &whole);
  const result<base> copied = narrow;
  CHECK(&*copied != &whole);
}

TEST_CASE("result: a result becomes the value where the value type can be made of a result",
          "[base][result]") {
  const result<std::any> whole = result<int>(std::errc::timed_out);
  REQUIRE(whole);
  CHECK(std::any_cast<result<int>>(*whole).error() == std::errc::timed_out);
  const result<result<int>> inner = result<int>(std::errc::timed_out);
  REQUIRE(inner);
  CHECK(inner->error() == std::errc::timed_out);
  const result<bool> truth = result<int>(0);  // the value, not whether there is one
  REQUIRE(truth);
  CHECK_FALSE(*truth);
}

TEST_CASE("result: may hold another result or an error code as its value", "[base][result]") {
  result<result<int>> inner_failed(std::in_place, result<int>(std::errc::timed_out));
  REQUIRE(inner_failed);
  CHECK(inner_failed->error() == std::errc::timed_out);
  const result<std::errc> code = std::errc::timed_out;  // here a value, not a failure
  REQUIRE(code);
  CHECK(*code == std::errc::timed_out);
  CHECK(code == std::errc::timed_out);
  CHECK(result<std::errc>(error(std::errc::timed_out)) != std::errc::timed_out);
  CHECK(inner_failed == result<int>(std::errc::timed_out));
  CHECK(inner_failed != result<int>(1));
  CHECK(inner_failed == inner_failed);
  CHECK(result<result<int>>(error(std::errc::timed_out)) != inner_failed);
}

TEST_CASE("result: a result of a reference cannot be made of a temporary", "[base][result]") {
  STATIC_REQUIRE(std::is_constructible_v<result<const std::string&>, const std::string&>);
  STATIC_REQUIRE(std::is_constructible_v<result<const std::string&>, std::string&>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<result<const std::string&>, std::string>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<result<const std::string&>, const char*>);
}

}  // namespace
