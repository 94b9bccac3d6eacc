#include "braid/base/result.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>

#include "catch.hpp"

namespace {

using braid::capture;
using braid::errc;
using braid::error;
using braid::result;

// Counts its instances, so that a value that is never ended, or ended twice, shows.
struct counted {
  static inline int alive = 0;
  explicit counted(int v = 0) : value(v) { ++alive; }
  counted(const counted& other) : value(other.value) { ++alive; }
  counted(counted&& other) noexcept : value(std::exchange(other.value, -1)) { ++alive; }
  counted& operator=(const counted&) = default;
  counted& operator=(counted&& other) noexcept {
    value = std::exchange(other.value, -1);
    return *this;
  }
  ~counted() { --alive; }
  int value;
};

// Can be moved but not assigned: a result of it is assigned by ending one and making the next.
struct unassignable {
  explicit unassignable(int v) : value(v) {}
  unassignable(unassignable&&) noexcept = default;
  unassignable& operator=(unassignable&&) = delete;
  int value;
};

static_assert(std::is_same_v<result<int>::value_type, int>);
static_assert(std::is_same_v<result<int>::error_type, error>);
static_assert(std::is_copy_constructible_v<result<std::string>>);
static_assert(!std::is_copy_constructible_v<result<std::unique_ptr<int>>>);
static_assert(!std::is_copy_assignable_v<result<std::unique_ptr<int>>>);
static_assert(std::is_nothrow_move_constructible_v<result<std::unique_ptr<int>>>);
static_assert(!std::is_default_constructible_v<result<int&>>);
static_assert(!std::is_default_constructible_v<result<unassignable>>);
static_assert(std::is_convertible_v<const char*, result<std::string>>);
static_assert(!std::is_convertible_v<int, result<unassignable>> &&
              std::is_constructible_v<result<unassignable>, int>);
static_assert(!std::is_convertible_v<result<int>, bool> && std::is_constructible_v<bool, result<int>>);

TEST_CASE("result: made without anything it holds the value that its type begins with", "[base][result]") {
  result<std::string> text;
  CHECK(text.has_value());
  CHECK(text->empty());
  CHECK(result<int>().value() == 0);
}

TEST_CASE("result: a value is seen by every way of access", "[base][result]") {
  result<std::string> r = "abc";
  REQUIRE(r);
  CHECK(r.value() == "abc");
  CHECK(*r == "abc");
  CHECK(r->size() == 3);
  *r += "d";
  r.value() += "e";
  const result<std::string>& same = r;
  CHECK(same.value() == "abcde");
  CHECK(*same == "abcde");
  CHECK(same->size() == 5);
  CHECK(same.value_or("other") == "abcde");
  static_assert(std::is_same_v<decltype(*same), const std::string&>);
  static_assert(std::is_same_v<decltype(*std::move(r)), std::string&&>);
  const std::string taken = std::move(r).value();
  CHECK(taken == "abcde");
}

TEST_CASE("result: an error is seen, and value() throws it", "[base][result]") {
  result<int> r = std::errc::connection_reset;
  CHECK_FALSE(r);
  CHECK_FALSE(r.has_value());
  CHECK(r.error() == std::errc::connection_reset);
  CHECK(r.value_or(7) == 7);
  try {
    (void)r.value();
    FAIL("value() returned");
  } catch (const std::system_error& e) {
    CHECK(e.code() == std::errc::connection_reset);
  }
  CHECK_THROWS_AS(std::move(r).value(), std::system_error);
  CHECK(result<int>(errc::end_of_stream).error() == errc::end_of_stream);
  const error taken = result<int>(error(std::errc::timed_out)).error();
  CHECK(taken == std::errc::timed_out);
}

TEST_CASE("result: a caller's exception comes out of value() as it went in", "[base][result]") {
  const auto r = capture([]() -> int { throw std::out_of_range("seven"); });
  REQUIRE_FALSE(r);
  CHECK(r.error() == errc::exception);
  CHECK_THROWS_AS(r.value(), std::out_of_range);
}

TEST_CASE("result: each way from one content to the other ends the old one once", "[base][result]") {
  {
    result<counted> value(std::in_place, 1);
    result<counted> failure = std::errc::timed_out;
    CHECK(counted::alive == 1);

    result<counted> copy = value;
    CHECK(copy->value == 1);
    CHECK(counted::alive == 2);
    copy = failure;
    CHECK(copy.error() == std::errc::timed_out);
    CHECK(counted::alive == 1);
    copy = value;
    CHECK(copy->value == 1);
    copy = result<counted>(std::in_place, 5);
    CHECK(copy->value == 5);
    CHECK(counted::alive == 2);

    result<counted> moved = std::move(copy);
    CHECK(moved->value == 5);
    moved = result<counted>(std::errc::interrupted);
    moved = result<counted>(std::errc::io_error);
    CHECK(moved.error() == std::errc::io_error);
    moved = *&moved;
    CHECK(moved.error() == std::errc::io_error);
  }
  CHECK(counted::alive == 0);
}

TEST_CASE("result: what can be moved but not assigned can be assigned in a result", "[base][result]") {
  result<unassignable> r(std::in_place, 1);
  r = result<unassignable>(std::in_place, 2);
  CHECK(r->value == 2);
  r = result<unassignable>(std::errc::timed_out);
  CHECK(r.error() == std::errc::timed_out);
  r = result<unassignable>(3);
  CHECK(r->value == 3);
}

TEST_CASE("result: swap exchanges a value for an error", "[base][result]") {
  result<std::string> left = "left", right = std::errc::timed_out;
  std::swap(left, right);
  CHECK(left.error() == std::errc::timed_out);
  CHECK(*right == "left");
}

TEST_CASE("result: a move-only value goes in and out", "[base][result]") {
  result<std::unique_ptr<int>> r = std::make_unique<int>(4);
  auto further = std::move(r).transform([](std::unique_ptr<int> p) { return std::make_unique<int>(*p + 1); });
  REQUIRE(further);
  CHECK(**further == 5);
  const std::unique_ptr<int> taken = std::move(further).value();
  CHECK(*taken == 5);
  result<std::unique_ptr<int>> none = std::errc::timed_out;
  CHECK(std::move(none).value_or(nullptr) == nullptr);
}

TEST_CASE("result: a reference stays a reference", "[base][result]") {
  int one = 1, two = 2;
  result<int&> r = one;
  CHECK(&r.value() == &one);
  CHECK(&*r == &one);
  *r = 10;
  CHECK(one == 10);
  r = result<int&>(two);  // another object is meant; the old one keeps its value
  CHECK(&*r == &two);
  CHECK(one == 10);
  const result<int&> constant = two;
  static_assert(std::is_same_v<decltype(*constant), int&>);
  CHECK(&std::move(r).value() == &two);
  result<int&> failed = std::errc::timed_out;
  CHECK_THROWS_AS(failed.value(), std::system_error);
  CHECK(failed.value_or(3) == 3);
}

TEST_CASE("result: void has an end but no value", "[base][result]") {
  result<void> good, bad = std::errc::timed_out;
  CHECK(good);
  CHECK(good.has_value());
  good.value();
  *good;
  CHECK_FALSE(bad);
  CHECK(bad.error() == std::errc::timed_out);
  CHECK_THROWS_AS(bad.value(), std::system_error);
  CHECK_FALSE(good == bad);
  result<void> copy = bad;
  CHECK(copy == bad);
  copy = good;
  CHECK(copy == good);
  copy = std::move(bad);
  CHECK_FALSE(copy);
  CHECK(result<void>(std::in_place).has_value());
}

TEST_CASE("result: and_then, transform and or_else take the value's road or the error's", "[base][result]") {
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

TEST_CASE("result: void takes the same roads", "[base][result]") {
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
}

TEST_CASE("result: equal are equal values, and errors of equal codes", "[base][result]") {
  CHECK(result<int>(1) == result<int>(1));
  CHECK(result<int>(1) != result<int>(2));
  CHECK(result<int>(1) != result<int>(std::errc::timed_out));
  CHECK(result<int>(std::errc::timed_out) == result<int>(std::errc::timed_out));
  CHECK(result<int>(std::errc::timed_out) != result<int>(std::errc::io_error));
}

TEST_CASE("result: may hold another result, or what looks like an error code", "[base][result]") {
  result<result<int>> inner_failed(std::in_place, result<int>(std::errc::timed_out));
  REQUIRE(inner_failed);
  CHECK(inner_failed->error() == std::errc::timed_out);
  const result<std::errc> code = std::errc::timed_out;  // a value here, not a failure
  REQUIRE(code);
  CHECK(*code == std::errc::timed_out);
}

TEST_CASE("result: capture keeps what a function returns or throws", "[base][result]") {
  CHECK(*capture([](int a, int b) { return a + b; }, 2, 3) == 5);
  int x = 0;
  CHECK(&*capture([&]() -> int& { return x; }) == &x);
  CHECK(capture([] {}).has_value());
  const auto failed =
      capture([] { throw std::system_error(std::make_error_code(std::errc::no_space_on_device)); });
  CHECK(failed.error() == std::errc::no_space_on_device);
  const auto odd = capture([]() -> int { throw 7; });
  REQUIRE_FALSE(odd);
  CHECK_THROWS_AS(odd.value(), int);
}

}  // namespace
