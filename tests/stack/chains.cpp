#include <optional>

#include "braid/core/just.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"
#include "stack/small_stack.hpp"

using namespace braid;
using namespace braid_tests;

namespace {

constexpr long chained = sanitized ? 100'000 : 1'000'000;

future<long> plus_one_each(future<long> from, long links) {
  for (long i = 0; i < links; ++i) from = std::move(from).then([](long n) { return n + 1; });
  return from;
}

// A chain in which each link's function returns the future of the next link.
future<long> count_down(long left) {
  return make_ready_future(left).then(
      [](long n) { return n == 0 ? make_ready_future(0L) : count_down(n - 1); });
}

struct handler_chain {
  long& left;
  void operator()(result<void>) const {
    if (--left > 0) start(just(), handler_chain{left});
  }
};

task<void> spawn_next(long& left) {
  if (--left > 0) auto dropped = spawn(spawn_next(left));
  co_return;
}
task<void> detach_next(long& left) {
  if (--left > 0) detach(detach_next(left));
  co_return;
}
void post_next(loop& here, long& left) {
  if (--left > 0) here.post([&] { post_next(here, left); });
}

// Returns how many of the 1,000,000 steps are left when the loop has no more work.
template <class First>
long left_after(First first) {
  return on_small_stack([&] {
    loop here;
    long left = chained;
    first(here, left);
    here.run();
    return left;
  });
}

}  // namespace

TEST_CASE("constant stack: 1,000,000 links on a completed future", "[stack]") {
  CHECK(on_small_stack([] {
          loop here;
          return here.run(plus_one_each(make_ready_future(0L), chained));
        }) == chained);
}

TEST_CASE("constant stack: 1,000,000 links on a future that is settled later", "[stack]") {
  CHECK(on_small_stack([] {
          loop here;
          promise<long> later;
          auto last = plus_one_each(later.get_future(), chained);
          later.set_value(0);
          return here.run(std::move(last));
        }) == chained);
}

TEST_CASE("constant stack: an error passes 1,000,000 links", "[stack]") {
  CHECK(on_small_stack([] {
          loop here;
          std::optional<promise<long>> dropped(std::in_place);
          auto last = plus_one_each(dropped->get_future(), chained);
          dropped.reset();
          return here.run(as_result(std::move(last))).error().code();
        }) == make_error_code(errc::broken_promise));
}

TEST_CASE("constant stack: 1,000,000 futures, each flattened into the one before", "[stack]") {
  CHECK(on_small_stack([] {
          loop here;
          return here.run(count_down(deep));
        }) == 0);
}

TEST_CASE("constant stack: 1,000,000 handlers, each of which starts the next", "[stack]") {
  CHECK(left_after([](loop&, long& left) { start(just(), handler_chain{left}); }) == 0);
}

TEST_CASE("constant stack: 1,000,000 tasks, each of which spawns the next", "[stack]") {
  CHECK(left_after([](loop&, long& left) { auto dropped = spawn(spawn_next(left)); }) == 0);
}

TEST_CASE("constant stack: 1,000,000 tasks, each of which detaches the next", "[stack]") {
  CHECK(left_after([](loop&, long& left) { detach(detach_next(left)); }) == 0);
}

TEST_CASE("constant stack: 1,000,000 posts, each of which posts the next", "[stack]") {
  CHECK(left_after([](loop& here, long& left) { post_next(here, left); }) == 0);
}
