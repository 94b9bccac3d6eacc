#include <stdexcept>

#include "braid/style/generator.hpp"
#include "catch.hpp"
#include "stack/small_stack.hpp"

using namespace braid;
using namespace braid_tests;

namespace {

generator<long> one() { co_yield 1; }
generator<long> none() { co_return; }

generator<long> one_each(long times) {
  for (long i = 0; i < times; ++i) co_yield elements_of(one());
  for (long i = 0; i < times; ++i) co_yield elements_of(none());
}

// Levels of generators; the innermost yields or throws, and each on its way up yields once more.
generator<long> levels(long left, bool throws = false) {
  if (left > 0) {
    co_yield elements_of(levels(left - 1, throws));
    co_yield 1;
  } else if (throws) {
    throw std::runtime_error("from the bottom");
  }
}

long sum_of(generator<long> elements) {
  long sum = 0;
  for (const long each : elements) sum += each;
  return sum;
}

}  // namespace

TEST_CASE("constant stack: a generator yields the elements of 6,000,000 short ones", "[stack]") {
  CHECK(on_small_stack([] { return sum_of(one_each(many)); }) == many);
}

TEST_CASE("constant stack: 1,000,000 levels of generators", "[stack]") {
  CHECK(on_small_stack([] { return sum_of(levels(deep)); }) == deep);
}

TEST_CASE("constant stack: 1,000,000 levels of generators, left at the innermost", "[stack]") {
  CHECK(on_small_stack([] {
          auto left = levels(deep);
          return *left.begin();
        }) == 1);
}

TEST_CASE("constant stack: an exception rises through 100,000 generators", "[stack]") {
  CHECK_THROWS_WITH(on_small_stack([] { return sum_of(levels(fairly_deep, true)); }), "from the bottom");
}
