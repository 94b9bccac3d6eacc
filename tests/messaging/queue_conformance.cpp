// The engine in files does what every engine of a queue does.

#include <string>
#include <utility>

#include "braid/loop/loop.hpp"
#include "braid/messaging/queue.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "catch.hpp"
#include "conformance.hpp"
#include "scratch_folder.hpp"

namespace {

using namespace braid;
using namespace braid_tests;

void run_cases(std::span<const queue_case> all) {
  for (const queue_case& each : all) {
    INFO(each.name);
    const scratch_folder folder;
    const queue_opener opens = [&](messaging::queue_options how) -> task<messaging::queue> {
      for (;;) {
        auto opening = as_result(messaging::queue::open(folder / "jobs", how));
        result<messaging::queue> opened = co_await std::move(opening);
        if (opened || opened.error() != std::errc::device_or_resource_busy)
          co_return std::move(opened).value();
        co_await yield();
      }
    };
    loop here;
    here.run(each.run(opens));
  }
}

}  // namespace

TEST_CASE("queue: what every engine does with deliveries", "[messaging][queue]") {
  run_cases(delivery_cases());
}

TEST_CASE("queue: what every engine does for consumers and owners", "[messaging][queue]") {
  run_cases(owner_cases());
}
