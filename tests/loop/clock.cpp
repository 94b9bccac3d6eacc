#include "braid/loop/clock.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <ratio>

#include "braid/loop/loop.hpp"
#include "catch.hpp"

namespace {

using namespace braid;
using namespace std::chrono_literals;
using std::chrono::duration;
using nanoseconds = loop_clock::duration;
template <class Real>
using seconds_of = duration<Real>;

constexpr nanoseconds longest = nanoseconds::max(), lowest = nanoseconds::min();
constexpr auto saturated = [](auto d) { return loop_clock::saturated(d); };

template <class Real>
constexpr Real infinite = std::numeric_limits<Real>::infinity();
template <class Real>
constexpr Real no_number = std::numeric_limits<Real>::quiet_NaN();

TEST_CASE("clock: keeps a duration that fits", "[loop][clock]") {
  STATIC_REQUIRE(saturated(7ns) == 7ns);
  STATIC_REQUIRE(saturated(longest) == longest);
  STATIC_REQUIRE(saturated(lowest) == lowest);
  STATIC_REQUIRE(saturated(-3h) == -3h);
  STATIC_REQUIRE(saturated(duration<std::int8_t, std::milli>(-128)) == -128ms);
  STATIC_REQUIRE(saturated(duration<std::uint32_t, std::micro>(4'000'000'000)) == 4000s);
  STATIC_REQUIRE(saturated(2'562'047h) == 2'562'047h);
  STATIC_REQUIRE(saturated(seconds_of<double>(0.1)) == 100ms);
  STATIC_REQUIRE(saturated(seconds_of<float>(-1.5F)) == -1500ms);
  STATIC_REQUIRE(saturated(duration<long double, std::ratio<60>>(0.5L)) == 30s);
}

TEST_CASE("clock: rounds a fraction of a nanosecond up", "[loop][clock]") {
  using thirds = duration<int, std::ratio<1, 3>>;
  STATIC_REQUIRE(saturated(duration<int, std::pico>(1)) == 1ns);
  STATIC_REQUIRE(saturated(duration<int, std::pico>(3000)) == 3ns);
  STATIC_REQUIRE(saturated(duration<int, std::pico>(-1999)) == -1ns);
  STATIC_REQUIRE(saturated(duration<std::int64_t, std::atto>(std::numeric_limits<std::int64_t>::max())) ==
                 9'223'372'037ns);
  STATIC_REQUIRE(saturated(thirds(1)) == 333'333'334ns);
  STATIC_REQUIRE(saturated(thirds(-1)) == -333'333'333ns);
  STATIC_REQUIRE(saturated(duration<double, std::nano>(1.25)) == 2ns);
  STATIC_REQUIRE(saturated(duration<double, std::nano>(-1.25)) == -1ns);
  STATIC_REQUIRE(saturated(duration<double, std::pico>(49'000)) == 49ns);
  STATIC_REQUIRE(saturated(seconds_of<double>(1e-300)) == 1ns);
  STATIC_REQUIRE(saturated(seconds_of<float>(std::numeric_limits<float>::denorm_min())) == 1ns);
}

TEST_CASE("clock: a duration that does not fit becomes the longest one", "[loop][clock]") {
  using ages = duration<std::int64_t, std::exa>;
  using days = duration<std::uint64_t, std::ratio<86'400>>;
  STATIC_REQUIRE(saturated(std::chrono::hours::max()) == longest);
  STATIC_REQUIRE(saturated(std::chrono::hours::min()) == lowest);
  STATIC_REQUIRE(saturated(std::chrono::microseconds::max()) == longest);
  STATIC_REQUIRE(saturated(2'562'048h) == longest);
  STATIC_REQUIRE(saturated(-2'562'048h) == lowest);
  STATIC_REQUIRE(saturated(days::max()) == longest);
  STATIC_REQUIRE(saturated(duration<std::uint64_t, std::nano>::max()) == longest);
  STATIC_REQUIRE(saturated(ages(1)) == longest);
  STATIC_REQUIRE(saturated(ages::min()) == lowest);
  STATIC_REQUIRE(saturated(ages(0)) == 0ns);
  STATIC_REQUIRE(saturated(seconds_of<double>::max()) == longest);
  STATIC_REQUIRE(saturated(seconds_of<float>(-1e30F)) == lowest);
  STATIC_REQUIRE(saturated(duration<double, std::exa>(1)) == longest);
  STATIC_REQUIRE(saturated(duration<double, std::nano>(0x1p63)) == longest);
  STATIC_REQUIRE(saturated(duration<double, std::nano>(0x1p63 - 1024)) == longest - 1023ns);
  STATIC_REQUIRE(saturated(duration<long double, std::nano>(0x1p63L - 0.5L)) == longest);
}

TEMPLATE_TEST_CASE("clock: an infinite duration becomes the longest; one that is not a number becomes zero",
                   "[loop][clock]", float, double, long double) {
  STATIC_REQUIRE(saturated(seconds_of<TestType>(infinite<TestType>)) == longest);
  STATIC_REQUIRE(saturated(seconds_of<TestType>(-infinite<TestType>)) == lowest);
  STATIC_REQUIRE(saturated(seconds_of<TestType>(no_number<TestType>)) == 0ns);
  STATIC_REQUIRE(saturated(duration<TestType, std::nano>(-no_number<TestType>)) == 0ns);
}

TEST_CASE("clock: converts an instant of another unit like a duration", "[loop][clock]") {
  using instant = loop_clock::time_point;
  using coarse = std::chrono::time_point<loop_clock, std::chrono::hours>;
  using exact = std::chrono::time_point<loop_clock, seconds_of<double>>;
  STATIC_REQUIRE(loop_clock::saturated(coarse(5h)) == instant(5h));
  STATIC_REQUIRE(loop_clock::saturated(coarse::max()) == instant::max());
  STATIC_REQUIRE(loop_clock::saturated(coarse::min()) == instant::min());
  STATIC_REQUIRE(loop_clock::saturated(exact(seconds_of<double>(1.5))) == instant(1500ms));
  STATIC_REQUIRE(loop_clock::saturated(instant::max()) == instant::max());
}

TEST_CASE("clock: the longest duration ends at the last instant", "[loop][clock]") {
  CHECK(loop_clock::after(longest) == loop_clock::time_point::max());
  CHECK(loop_clock::after(std::chrono::hours::max()) == loop_clock::time_point::max());
  CHECK(loop_clock::after(std::chrono::hours::min()) < loop_clock::now());
  const auto before = loop_clock::now();
  CHECK(loop_clock::after(1h) >= before + 1h);
}

}  // namespace
