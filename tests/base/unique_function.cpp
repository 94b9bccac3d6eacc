#include "braid/base/unique_function.hpp"

#include <array>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "allocations.hpp"
#include "catch.hpp"

namespace {

using braid::unique_function;

static_assert(!std::is_copy_constructible_v<unique_function<void()>>);
static_assert(std::is_nothrow_move_constructible_v<unique_function<void()>>);
static_assert(!std::is_constructible_v<unique_function<void()>, int>);
static_assert(!std::is_constructible_v<unique_function<int()>, std::string (*)()>);

// A callable of a given size that counts its instances.
template <std::size_t Bytes>
struct counted {
  static inline int alive = 0;
  counted() { ++alive; }
  counted(counted&&) noexcept { ++alive; }
  ~counted() { --alive; }
  int operator()() const { return static_cast<int>(Bytes); }
  std::array<char, Bytes> room{};
};

template <std::size_t Bytes>
void lives_as_long_as_its_function() {
  using callable = counted<Bytes>;
  {
    unique_function<int()> f = callable();
    CHECK(callable::alive == 1);
    CHECK(f() == static_cast<int>(Bytes));
    unique_function<int()> g = std::move(f);
    CHECK(callable::alive == 1);
    CHECK_FALSE(f);
    CHECK(g() == static_cast<int>(Bytes));
    f = std::move(g);
    CHECK(f() == static_cast<int>(Bytes));
    CHECK(callable::alive == 1);
    f = unique_function<int()>([] { return 0; });
    CHECK(callable::alive == 0);
    f = callable();
    CHECK(callable::alive == 1);
    f = unique_function<int()>();
    CHECK(callable::alive == 0);
    f = callable();
  }
  CHECK(callable::alive == 0);
}

TEST_CASE("unique_function: a small callable is destroyed with the function", "[base][unique_function]") {
  lives_as_long_as_its_function<8>();
  lives_as_long_as_its_function<24>();
}
TEST_CASE("unique_function: a large callable is destroyed with the function", "[base][unique_function]") {
  lives_as_long_as_its_function<25>();
  lives_as_long_as_its_function<5000>();
}

TEST_CASE("unique_function: an empty function converts to false", "[base][unique_function]") {
  unique_function<void()> none;
  CHECK_FALSE(none);
  unique_function<void()> moved = std::move(none);
  CHECK_FALSE(moved);
  moved = [] {};
  CHECK(moved);
}

TEST_CASE("unique_function: arguments and results are passed on without copies", "[base][unique_function]") {
  unique_function<std::unique_ptr<int>(std::unique_ptr<int>, int&)> f = [](std::unique_ptr<int> p, int& n) {
    n = *p;
    return std::make_unique<int>(*p + 1);
  };
  int n = 0;
  CHECK(*f(std::make_unique<int>(4), n) == 5);
  CHECK(n == 4);
  int x = 0;
  unique_function<int&()> reference = [&]() -> int& { return x; };
  CHECK(&reference() == &x);
}

TEST_CASE("unique_function: a callable keeps its state between calls", "[base][unique_function]") {
  unique_function<int()> count = [n = 0]() mutable { return ++n; };
  CHECK(count() == 1);
  unique_function<int()> same = std::move(count);
  CHECK(same() == 2);
}

TEST_CASE("unique_function: holds a move-only callable", "[base][unique_function]") {
  unique_function<int()> f = [p = std::make_unique<int>(3)] { return *p; };
  CHECK(f() == 3);
}

struct throws_when_made {
  throws_when_made() = default;
  throws_when_made(const throws_when_made&) { throw std::runtime_error("copied"); }
  void operator()() const {}
  std::array<char, 100> room{};
};

TEST_CASE("unique_function: a callable whose copy throws leaves nothing behind", "[base][unique_function]") {
  const throws_when_made callable;
  CHECK_THROWS_AS(unique_function<void()>(callable), std::runtime_error);
}

TEST_CASE("unique_function: captures of 24 bytes allocate nothing", "[base][unique_function]") {
  if (!braid_tests::counts_allocations) return;
  const braid_tests::allocation_count count;
  {
    unique_function<int()> f = counted<24>();
    unique_function<int()> g = std::move(f);
    if (g() != 24) std::abort();
  }
  const std::size_t made = count.made();
  CHECK(made == 0);
}

}  // namespace
