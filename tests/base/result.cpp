#include "braid/base/result.hpp"

#include <cerrno>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include "catch.hpp"

namespace {

using braid::capture;
using braid::errc;
using braid::error;
using braid::result;

// Counts its instances, so that a value which is never destroyed, or twice, shows.
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

// Can be moved but not assigned: result's assignment destroys the old value and constructs a new one.
struct unassignable {
  explicit unassignable(int v) : value(v) {}
  unassignable(unassignable&&) noexcept = default;
  unassignable& operator=(unassignable&&) = delete;
  int value;
};

// Its constructor may throw.
struct refuses_odd {
  explicit refuses_odd(int v) : value(v) {
    if (v % 2 != 0) throw std::invalid_argument("odd");
  }
  int value;
};

// Can be neither copied nor moved.
struct immovable {
  explicit immovable(int v) noexcept : value(v) {}
  immovable(const immovable&) = delete;
  immovable& operator=(const immovable&) = delete;
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
static_assert(sizeof(result<void>) == sizeof(error) + alignof(error));
static_assert(std::is_nothrow_copy_constructible_v<result<void>> &&
              std::is_nothrow_default_constructible_v<result<void>>);
static_assert(!std::is_constructible_v<result<int&>, int> &&
              !std::is_constructible_v<result<const long&>, int&>);

template <class L, class R>
concept comparable = requires(const L& left, const R& right) { left == right; };
static_assert(!comparable<result<int>, std::string> && !comparable<result<void>, int>);
static_assert(!comparable<result<int>, result<std::string>> && !comparable<result<int>, result<void>>);
static_assert(!comparable<result<immovable>, immovable>);

TEST_CASE("result: the default constructor makes a default value", "[base][result]") {
  result<std::string> text;
  CHECK(text.has_value());
  CHECK(text->empty());
  CHECK(result<int>().value() == 0);
}

TEST_CASE("result: every accessor gives the value", "[base][result]") {
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

TEST_CASE("result: error() gives the error, and value() throws it", "[base][result]") {
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

TEST_CASE("result: value() throws the original exception", "[base][result]") {
  const auto r = capture([]() -> int { throw std::out_of_range("seven"); });
  REQUIRE_FALSE(r);
  CHECK(r.error() == errc::exception);
  CHECK_THROWS_AS(r.value(), std::out_of_range);
}

TEST_CASE("result: each change of content destroys the old content once", "[base][result]") {
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

TEST_CASE("result: assignment works for types that can only be move-constructed", "[base][result]") {
  result<unassignable> r(std::in_place, 1);
  r = result<unassignable>(std::in_place, 2);
  CHECK(r->value == 2);
  r = result<unassignable>(std::errc::timed_out);
  CHECK(r.error() == std::errc::timed_out);
  r = result<unassignable>(3);
  CHECK(r->value == 3);
}

TEST_CASE("result: emplace puts a new value in place of a value or an error", "[base][result]") {
  {
    result<counted> r = std::errc::timed_out;
    counted& made = r.emplace(3);
    CHECK(&made == &*r);
    CHECK(r->value == 3);
    CHECK(r.emplace(4).value == 4);
    CHECK(counted::alive == 1);
  }
  CHECK(counted::alive == 0);
  result<std::string> text = std::errc::timed_out;
  CHECK(text.emplace(3, 'x') == "xxx");
  CHECK(text.emplace() == "");
  result<immovable> still(std::in_place, 1);
  CHECK(still.emplace(2).value == 2);
  result<std::unique_ptr<int>> owner = std::errc::timed_out;
  CHECK(*owner.emplace(std::make_unique<int>(5)) == 5);
  int one = 1, two = 2;
  result<int&> refers = one;
  CHECK(&refers.emplace(two) == &two);
  CHECK(one == 1);
  result<void> ended = std::errc::timed_out;
  ended.emplace();
  CHECK(ended);
}

TEST_CASE("result: an emplace that throws leaves the old content", "[base][result]") {
  result<refuses_odd> r(2);
  CHECK_THROWS_AS(r.emplace(3), std::invalid_argument);
  REQUIRE(r);
  CHECK(r->value == 2);
  r = std::errc::timed_out;
  CHECK_THROWS_AS(r.emplace(5), std::invalid_argument);
  CHECK(r.error() == std::errc::timed_out);
  CHECK(r.emplace(4).value == 4);
}

TEST_CASE("result: swap exchanges a value for an error", "[base][result]") {
  result<std::string> left = "left", right = std::errc::timed_out;
  std::swap(left, right);
  CHECK(left.error() == std::errc::timed_out);
  CHECK(*right == "left");
}

TEST_CASE("result: holds a move-only value", "[base][result]") {
  result<std::unique_ptr<int>> r = std::make_unique<int>(4);
  auto further = std::move(r).transform([](std::unique_ptr<int> p) { return std::make_unique<int>(*p + 1); });
  REQUIRE(further);
  CHECK(**further == 5);
  const std::unique_ptr<int> taken = std::move(further).value();
  CHECK(*taken == 5);
  result<std::unique_ptr<int>> none = std::errc::timed_out;
  CHECK(std::move(none).value_or(nullptr) == nullptr);
}

TEST_CASE("result: holds a reference to the same object", "[base][result]") {
  int one = 1, two = 2;
  result<int&> r = one;
  CHECK(&r.value() == &one);
  CHECK(&*r == &one);
  *r = 10;
  CHECK(one == 10);
  r = result<int&>(two);  // binds to another object; the old one keeps its value
  CHECK(&*r == &two);
  CHECK(one == 10);
  const result<int&> constant = two;
  static_assert(std::is_same_v<decltype(*constant), int&>);
  CHECK(&std::move(r).value() == &two);
  result<int&> failed = std::errc::timed_out;
  CHECK_THROWS_AS(failed.value(), std::system_error);
  CHECK(failed.value_or(3) == 3);
}

TEST_CASE("result: result<void> has no value", "[base][result]") {
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

TEST_CASE("result: error_or gives the error, or its argument", "[base][result]") {
  const result<int> failed = std::errc::timed_out;
  CHECK(failed.error_or(std::errc::io_error) == std::errc::timed_out);
  CHECK(result<int>(1).error_or(errc::end_of_stream) == errc::end_of_stream);
  CHECK(result<int>(std::errc::timed_out).error_or(errc::end_of_stream) == std::errc::timed_out);
  CHECK(result<void>().error_or(std::error_code()).code() == std::error_code());
  result<void> ended = error(std::make_error_code(std::errc::timed_out), "read_some");
  CHECK(ended.error_or(std::errc::io_error).call() == "read_some");
  CHECK(ended.error().call() == "read_some");
}

TEST_CASE("result: results are equal if their values or their error codes are equal", "[base][result]") {
  CHECK(result<int>(1) == result<int>(1));
  CHECK(result<int>(1) != result<int>(2));
  CHECK(result<int>(1) != result<int>(std::errc::timed_out));
  CHECK(result<int>(std::errc::timed_out) == result<int>(std::errc::timed_out));
  CHECK(result<int>(std::errc::timed_out) != result<int>(std::errc::io_error));
  CHECK(result<int>(1) == result<long>(1));
  CHECK(result<int>(1) != result<long>(2));
  CHECK(result<std::string>("a") == result<const char*>("a"));
  CHECK(result<int>(std::errc::timed_out) == result<long>(std::errc::timed_out));
}

TEST_CASE("result: compares with a plain value or an error, on either side", "[base][result]") {
  const result<std::string> text = "abc", late = std::errc::timed_out;
  CHECK(text == "abc");
  CHECK("abc" == text);
  CHECK(text != std::string("abd"));
  CHECK(late != "");
  CHECK(result<long>(1) == 1);
  CHECK(result<std::unique_ptr<int>>(nullptr) == nullptr);
  int one = 1;
  CHECK(result<int&>(one) == 1);

  CHECK(late == std::errc::timed_out);
  CHECK(std::errc::timed_out == late);
  CHECK(late != std::errc::io_error);
  CHECK(text != std::errc::timed_out);
  CHECK(late == error(std::errc::timed_out));
  CHECK(late == std::make_error_code(std::errc::timed_out));
  CHECK(result<int>(errc::end_of_stream) == errc::end_of_stream);
  CHECK(result<int>(std::error_code(ETIMEDOUT, std::system_category())) == std::errc::timed_out);
  CHECK(result<bool>(true) != std::make_error_code(std::errc::timed_out));
  CHECK(result<void>(std::errc::timed_out) == std::errc::timed_out);
  CHECK(result<void>() != std::errc::timed_out);
  CHECK(result<immovable>(std::errc::timed_out) == std::errc::timed_out);
}

TEST_CASE("result: an assignment that throws can be caught", "[base][result]") {
  struct guarded {
    guarded() = default;
    guarded(guarded&&) noexcept {}
    guarded& operator=(guarded&&) { throw std::runtime_error("assigned"); }
    ~guarded() = default;
  };
  result<guarded> to(std::in_place), from(std::in_place);
  CHECK_NOTHROW(to = std::move(from));  // constructed anew instead of assigned
  CHECK(to.has_value());
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
