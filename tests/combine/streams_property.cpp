// Random programs of the stream operators, compared with sequential models. Their ranges lose nothing when a
// next() is cancelled, so neither may the operators: the programs run with and without interruptions.
// BRAID_TEST_SEED=n runs program n alone.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "braid/combine/buffered.hpp"
#include "braid/combine/combine_latest.hpp"
#include "braid/combine/debounce.hpp"
#include "braid/combine/flat_map.hpp"
#include "braid/combine/flat_map_latest.hpp"
#include "braid/combine/merge.hpp"
#include "braid/combine/throttle.hpp"
#include "braid/combine/zip.hpp"
#include "braid/core/just.hpp"
#include "braid/sim/virtual_time.hpp"
#include "braid/style/async_views.hpp"
#include "braid/style/distinct.hpp"
#include "braid/style/run.hpp"
#include "braid/style/scan.hpp"
#include "catch.hpp"
#include "combine/streams.hpp"

using namespace braid;
using namespace braid_tests;
using namespace std::chrono_literals;

namespace {

using arrivals = std::vector<arrival>;
constexpr int never_ms = std::numeric_limits<int>::max();

class program {
 public:
  explicit program(std::uint64_t seed) : random_(seed) {}
  void operator()() {
    const sim::virtual_time clock;
    interrupt_ = below(3) > 0;
    static constexpr void (program::* tests[])() = {
        &program::debounces, &program::throttles, &program::zips,    &program::combines,
        &program::merges,    &program::flattens,  &program::latests, &program::views};
    (this->*tests[below(8)])();
  }

 private:
  [[nodiscard]] int below(int n) { return static_cast<int>(random_() % static_cast<std::uint64_t>(n)); }

  // Elements at different times; the times of several calls with different offsets are different, too.
  arrivals some(int offset = 0, int step = 1) {
    arrivals made;
    int at = 1;
    for (int n = below(9); n > 0; --n) {
      at += below(3) == 0 ? below(12) : 1 + below(3);
      made.push_back({step * at++ + offset, below(5) + 100 * offset});
    }
    end_ms_ = step * (at + below(9)) + offset;
    return made;
  }
  timed_range ranged(const arrivals& from) { return timed_range(from, end_ms_); }
  static std::vector<int> values(const arrivals& from) {
    std::vector<int> seen;
    for (const arrival& each : from) seen.push_back(each.value);
    return seen;
  }
  template <class Range>
  auto received(Range range) {
    return run(all_with_interruptions(std::move(range), random_, interrupt_));
  }

  void debounces() {
    const arrivals from = some();
    const int quiet = below(6);
    arrivals expected;
    for (std::size_t n = 0; n < from.size(); ++n) {
      const int next = n + 1 < from.size() ? from[n + 1].at_ms : never_ms;
      const int at = std::min(from[n].at_ms + quiet, n + 1 < from.size() ? never_ms : end_ms_);
      if (next >= at) expected.push_back({at, from[n].value});
    }
    if (interrupt_)
      CHECK(received(ranged(from) | debounce(quiet * 1ms)) == values(expected));
    else
      CHECK(run(all_timed(ranged(from) | debounce(quiet * 1ms))) == expected);
  }

  void throttles() {
    const arrivals from = some();
    const int period = below(8);
    const auto edge = static_cast<throttle_edge>(below(3));
    arrivals expected;
    std::optional<int> kept;
    int until = 0;
    const auto pass_time = [&](int now) {
      while (kept && until <= now) {
        expected.push_back({until, *kept});
        kept.reset();
        until += period;
      }
    };
    for (const arrival& each : from) {
      pass_time(each.at_ms);
      if (kept || each.at_ms < until) {
        if (edge != throttle_edge::leading) kept = each.value;
        continue;
      }
      until = each.at_ms + period;
      if (edge == throttle_edge::trailing)
        kept = each.value;
      else
        expected.push_back(each);
      pass_time(each.at_ms);  // a period of 0
    }
    pass_time(end_ms_);
    if (kept) expected.push_back({end_ms_, *kept});
    if (interrupt_)
      CHECK(received(ranged(from) | throttle(period * 1ms, edge)) == values(expected));
    else
      CHECK(run(all_timed(ranged(from) | throttle(period * 1ms, edge))) == expected);
  }

  void zips() {
    const arrivals one = some();
    timed_range first = ranged(one);
    const arrivals other = some();
    timed_range second = ranged(other);
    std::vector<std::tuple<int, int>> expected;
    for (std::size_t n = 0; n < std::min(one.size(), other.size()); ++n)
      expected.emplace_back(one[n].value, other[n].value);
    auto pairs = zip(first, second);
    CHECK(run(all_with_interruptions(std::move(pairs), random_, interrupt_)) == expected);
  }

  void combines() {
    const arrivals one = some(0, 2);
    timed_range first = ranged(one);
    const int first_end = end_ms_;
    const arrivals other = some(1, 2);
    timed_range second = ranged(other);
    const int second_end = end_ms_;
    std::map<int, std::pair<bool, int>> merged;
    for (const arrival& each : one) merged[each.at_ms] = {true, each.value};
    for (const arrival& each : other) merged[each.at_ms] = {false, each.value};
    std::optional<int> left, right;
    std::vector<std::tuple<int, int>> expected;
    for (const auto& [at, what] : merged) {
      if (one.empty() && at >= first_end) break;
      if (other.empty() && at >= second_end) break;
      (what.first ? left : right) = what.second;
      if (left && right) expected.emplace_back(*left, *right);
    }
    CHECK(received(combine_latest(std::move(first), std::move(second))) == expected);
  }

  void merges() {
    const arrivals one = some(0, 2);
    timed_range first = ranged(one);
    arrivals other = some(1, 2);
    timed_range second = ranged(other);
    other.insert(other.end(), one.begin(), one.end());
    std::ranges::sort(other, {}, &arrival::at_ms);
    CHECK(received(merge(std::move(first), std::move(second))) == values(other));
  }

  // Inner ranges: `count` elements, one every `gap` from their beginning on, at odd times; outer ones at even
  // times.
  timed_range inner(int which, int gap) {
    arrivals made;
    for (int n = 1; n <= which % 4; ++n) made.push_back({now_ms() + n * gap, 10 * which + n});
    return timed_range(made, now_ms() + (which % 4) * gap + 1);
  }

  void flattens() {
    const arrivals outer = some(0, 4);
    const std::size_t limit = 1 + static_cast<std::size_t>(below(3));
    const int gap = 4 * below(3) + 2;
    std::size_t most = 0, runs = 0, begun = 0;
    struct counted : timed_range {
      std::size_t* now;
      counted(timed_range from, std::size_t* runs) : timed_range(std::move(from)), now(runs) { ++*now; }
      counted(counted&& other) noexcept
          : timed_range(std::move(other)), now(std::exchange(other.now, nullptr)) {}
      ~counted() {
        if (now != nullptr) --*now;
      }
    };
    const auto make = [&](int value) {
      counted made(inner(4 * static_cast<int>(begun++) + value, gap), &runs);
      most = std::max(most, runs);
      return made;
    };
    std::vector<int> expected;
    for (std::size_t n = 0; n < outer.size(); ++n) {
      const int which = 4 * static_cast<int>(n) + outer[n].value;
      for (int each = 1; each <= which % 4; ++each) expected.push_back(10 * which + each);
    }
    auto got = received(ranged(outer) | flat_map(make, limit));
    CHECK(begun == outer.size());
    CHECK(most <= limit);
    CHECK(runs == 0);
    if (limit > 1) {  // the order within each inner range stays
      std::ranges::stable_sort(got, {}, [](int value) { return value / 10; });
      std::ranges::stable_sort(expected, {}, [](int value) { return value / 10; });
    }
    CHECK(got == expected);
  }

  void latests() {
    const arrivals outer = some(0, 2);
    const int gap = 2 * below(4) + 1;
    int number = 0;
    const auto make = [&](int value) { return inner(4 * number++ + value, gap); };
    std::vector<int> expected;
    for (std::size_t n = 0; n < outer.size(); ++n) {
      const int which = 4 * static_cast<int>(n) + outer[n].value;
      const int next = n + 1 < outer.size() ? outer[n + 1].at_ms : never_ms;
      for (int each = 1; each <= which % 4; ++each)
        if (outer[n].at_ms + each * gap < next) expected.push_back(10 * which + each);
    }
    // No element may be due in the step in which the next outer one arrives.
    for (std::size_t n = 0; n + 1 < outer.size(); ++n)
      if ((outer[n + 1].at_ms - outer[n].at_ms) % gap == 0) return;
    CHECK(received(ranged(outer) | flat_map_latest(make)) == expected);
  }

  void views() {
    const arrivals from = some();
    const std::size_t size = 1 + static_cast<std::size_t>(below(4));
    std::vector<int> flat;
    int sum = 0;
    std::optional<int> last;
    for (const arrival& each : from) {
      if (last == each.value) continue;
      last = each.value;
      sum += each.value;
      if (sum % 3 != 0) flat.push_back(-sum);
    }
    std::vector<int> got;
    std::size_t short_chunks = 0;
    for (const auto& each :
         received(ranged(from) | distinct() | scan(0, [](int total, int n) { return total + n; }) |
                  filter([](int n) { return just(n % 3 != 0); }) | transform([](int n) { return just(-n); }) |
                  buffered(size) | chunk(size))) {
      short_chunks += each.size() < size;
      got.insert(got.end(), each.begin(), each.end());
    }
    CHECK(got == flat);
    CHECK(short_chunks <= 1);
  }

  std::mt19937_64 random_;
  int end_ms_ = 0;
  bool interrupt_ = false;
};

}  // namespace

TEST_CASE("streams: random programs give what their models give, however often a next is cancelled",
          "[streams][property]") {
  if (const char* const seed = std::getenv("BRAID_TEST_SEED")) return program(std::stoull(seed))();
  for (std::uint64_t seed = 0; seed < 4'000; ++seed) {
    INFO("BRAID_TEST_SEED=" << seed);
    program one(seed);
    one();
  }
}
