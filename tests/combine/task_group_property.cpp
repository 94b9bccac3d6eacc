// Random programs of a task_group, compared with a model: the order in which the children ended.
// BRAID_TEST_SEED=n runs program n alone.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "braid/combine/task_group.hpp"
#include "braid/combine/when_all.hpp"
#include "braid/combine/when_any_settled.hpp"
#include "braid/schedule/yield.hpp"
#include "braid/style/as_result.hpp"
#include "braid/style/run.hpp"
#include "braid/style/task.hpp"
#include "catch.hpp"

using namespace braid;

namespace {

class program {
 public:
  explicit program(std::uint64_t seed) : random_(seed) {}

  void operator()() {
    const auto body = [this](task_group<int>& all) { return receives(all); };
    const auto ended = run(as_result(with_group<int>(body)));
    REQUIRE(received_.size() <= ended_.size());
    std::vector<int> first(ended_.begin(), ended_.begin() + static_cast<std::ptrdiff_t>(received_.size()));
    if (two_consumers_) {  // which note what they got in any order
      std::ranges::sort(first);
      std::ranges::sort(received_);
    }
    CHECK(received_ == first);
    // An error that was not received is the group's: the first one, in the order of the ends.
    std::optional<int> failed;
    for (std::size_t n = received_.size(); n < ended_.size() && !failed; ++n)
      if (fails(ended_[n])) failed = ended_[n];
    if (failed) {
      REQUIRE_FALSE(ended);
      CHECK(ended.error().message() == std::to_string(*failed));
    } else {
      REQUIRE(ended);
      CHECK(ended_.size() == static_cast<std::size_t>(spawned_));  // nothing was cancelled
      if (receives_all_) CHECK(received_.size() == ended_.size());
    }
  }

 private:
  [[nodiscard]] int below(int n) { return static_cast<int>(random_() % static_cast<std::uint64_t>(n)); }
  [[nodiscard]] static bool fails(int id) { return id % 4 == 3; }

  static task<> turns(int n) {
    for (; n > 0; --n) co_await yield();
  }
  task<int> child(task_group<int>& all, int id, int generations) {
    co_await turns(below(6));
    if (generations > 0 && below(2) == 0) spawn(all, generations - 1);
    co_await turns(below(3));
    ended_.push_back(id);
    if (fails(id)) throw std::runtime_error(std::to_string(id));
    co_return id;
  }
  void spawn(task_group<int>& all, int generations) { all.spawn(child(all, spawned_++, generations)); }

  [[nodiscard]] bool note(const std::optional<result<int>>& next) {
    if (!next) return false;
    received_.push_back(*next ? **next : std::stoi(next->error().message()));
    return true;
  }
  // Receives up to `most` results. Now and then a next() is cancelled after some turns.
  task<> consumer(task_group<int>& all, int most) {
    while (most > 0) {
      if (below(3) == 0) {
        const auto race = co_await when_any_settled(all.next(), turns(below(4)));
        const auto& next = std::get<0>(race.results);
        if (!next) {
          CHECK(next.error() == std::errc::operation_canceled);
          continue;
        }
        if (!note(*next)) co_return;
      } else {
        const auto next = co_await all.next();
        if (!note(next)) co_return;
      }
      --most;
    }
  }
  task<> receives(task_group<int>& all) {
    for (int n = below(8); n >= 0; --n) spawn(all, 2);
    receives_all_ = below(2) == 0;
    const int most = receives_all_ ? 1'000 : below(6);
    two_consumers_ = below(2) == 0;
    if (two_consumers_)
      co_await when_all(consumer(all, most), consumer(all, most));
    else
      co_await consumer(all, most);
    while (receives_all_) {  // what a child spawned after a consumer had seen the end
      const auto next = co_await all.next();
      if (!note(next)) break;
    }
  }

  std::mt19937_64 random_;
  std::vector<int> ended_, received_;
  int spawned_ = 0;
  bool receives_all_ = false, two_consumers_ = false;
};

}  // namespace

TEST_CASE("task_group: random programs receive each result once, in the order of the ends",
          "[task_group][property]") {
  if (const char* const seed = std::getenv("BRAID_TEST_SEED")) return program(std::stoull(seed))();
  for (std::uint64_t seed = 0; seed < 3'000; ++seed) {
    INFO("BRAID_TEST_SEED=" << seed);
    program one(seed);
    one();
  }
}
