#include "braid/style/scan.hpp"

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "braid/core/just.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/async_generator.hpp"
#include "catch.hpp"
#include "every_cancellation.hpp"
#include "every_style.hpp"

using namespace braid;
using namespace braid_tests;

namespace {

async_generator<int> below(int end) {
  for (int n = 0; n < end; ++n) {
    co_await yield();
    co_yield n;
  }
}
int add(int sum, int n) { return sum + n; }

}  // namespace

TEST_CASE("scan: gives each intermediate result, and not the first one", "[scan]") {
  IN_EVERY_STYLE(style);
  loop here;
  auto totals = scan(below(4), 10, add);
  for (const int expected : {10, 11, 13, 16}) CHECK(style.wait(totals.next()).value() == expected);
  CHECK(style.wait(totals.next()).value() == std::nullopt);
  auto none = below(0) | scan(10, add);
  CHECK(style.wait(none.next()).value() == std::nullopt);
}

TEST_CASE("scan: its function may return a sender", "[scan]") {
  IN_EVERY_STYLE(style);
  loop here;
  auto texts = below(3) | scan(std::string("#"), [](const std::string& before, int n) -> task<std::string> {
                 std::string text = before + std::to_string(n);
                 co_await yield();
                 co_return text;
               });
  for (const char* expected : {"#0", "#01", "#012"}) CHECK(style.wait(texts.next()).value() == expected);
  CHECK(style.wait(texts.next()).value() == std::nullopt);
}

TEST_CASE("scan: an exception of its function ends it once", "[scan]") {
  IN_EVERY_STYLE(style);
  loop here;
  auto totals = below(3) | scan(0, [](int sum, int n) {
                  if (n == 1) throw std::runtime_error("not 1");
                  return sum + n;
                });
  CHECK(style.wait(totals.next()).value() == 0);
  CHECK(style.wait(totals.next()).error().message() == "not 1");
  CHECK(style.wait(totals.next()).value() == std::nullopt);
}

TEST_CASE("scan: can be stopped at each suspension", "[scan][stop]") {
  CHECK(every_cancellation([]() -> task<> {
          auto totals = below(3) | scan(0, [](int sum, int n) { return just(sum + n); });
          int last = 0;
          while (const auto each = co_await totals.next()) last = *each;
          CHECK(last == 3);
        }) >= 3);
}
