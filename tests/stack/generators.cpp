#include <optional>
#include <stdexcept>
#include <utility>

#include "braid/combine/buffered.hpp"
#include "braid/combine/merge.hpp"
#include "braid/core/just.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/async_generator.hpp"
#include "braid/style/fiber.hpp"
#include "braid/style/generator.hpp"
#include "braid/style/run.hpp"
#include "braid/style/start.hpp"
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

// Nested generators: the innermost one yields nothing or throws, each of the others yields once after its
// inner one.
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

async_generator<long> ones(long times, long between_yields) {
  for (long i = 0; i < times; ++i) {
    if (i % between_yields == 1) co_await yield();
    co_yield 1;
  }
}
async_generator<long> through(async_generator<long> elements) {
  while (auto each = co_await elements.next()) co_yield *each;
}
async_generator<long> through_many(async_generator<long> elements, int stages) {
  for (; stages > 0; --stages) elements = through(std::move(elements));
  return elements;
}
template <async_range Range>
task<long> sum_of(Range elements) {
  long sum = 0;
  while (auto each = co_await elements.next()) sum += *each;
  co_return sum;
}

struct handler_of_each {
  async_generator<long>& elements;
  long& sum;
  void operator()(result<std::optional<long>> each) const {
    if (!*each) return;
    sum += **each;
    start(elements.next(), handler_of_each{elements, sum});
  }
};

}  // namespace

TEST_CASE("constant stack: a generator yields the elements of 6,000,000 short ones", "[stack]") {
  CHECK(on_small_stack([] { return sum_of(one_each(many)); }) == many);
}

TEST_CASE("constant stack: 1,000,000 nested generators", "[stack]") {
  CHECK(on_small_stack([] { return sum_of(levels(deep)); }) == deep);
}

TEST_CASE("constant stack: 1,000,000 nested generators, destroyed at the innermost element", "[stack]") {
  CHECK(on_small_stack([] {
          auto left = levels(deep);
          return *left.begin();
        }) == 1);
}

TEST_CASE("constant stack: an exception leaves 100,000 nested generators", "[stack]") {
  CHECK_THROWS_WITH(on_small_stack([] { return sum_of(levels(fairly_deep, true)); }), "from the bottom");
}

TEST_CASE("constant stack: 3,000,000 elements that an async_generator yields at once", "[stack]") {
  CHECK(on_small_stack([] { return run(sum_of(ones(many, many))); }) == many);
}

TEST_CASE("constant stack: 3,000,000 elements of an async_generator, in a fiber", "[stack]") {
  CHECK(on_small_stack([] {
          return run(in_fiber([elements = ones(many, many)]() mutable {
            long sum = 0;
            while (auto each = await(elements.next())) sum += *each;
            return sum;
          }));
        }) == many);
}

TEST_CASE("constant stack: 1,000,000 elements of an async_generator, each handler asks for the next",
          "[stack]") {
  CHECK(on_small_stack([] {
          loop here;
          long sum = 0;
          auto elements = ones(many / 3, 2);
          start(elements.next(), handler_of_each{elements, sum});
          here.run();
          return sum;
        }) == many / 3);
}

TEST_CASE("constant stack: 1,000,000 elements that arrive at once or through the run queue", "[stack]") {
  for (const long between_yields : {2L, 3L, 100L})
    CHECK(on_small_stack([&] { return run(sum_of(ones(many / 3, between_yields))); }) == many / 3);
}

TEST_CASE("constant stack: elements pass 300 async_generators", "[stack]") {
  for (const long between_yields : {2L, 100L})
    CHECK(on_small_stack([&] { return run(sum_of(through_many(ones(100, between_yields), 300))); }) == 100);
}

TEST_CASE("constant stack: 1,000,000 elements of two merged ranges that have them at once", "[stack]") {
  CHECK(on_small_stack([] { return run(sum_of(merge(ones(many / 6, many), ones(many / 6, 2)))); }) ==
        many / 3);
}

TEST_CASE("constant stack: 1,000,000 buffered operations that end at once", "[stack]") {
  CHECK(on_small_stack([] {
          auto operations = ones(many / 3, many) | transform([](long n) { return just(just(n)); });
          return run(sum_of(std::move(operations) | buffered(8)));
        }) == many / 3);
}
