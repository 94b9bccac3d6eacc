#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "stage/cost.hpp"
#include "stage/program.hpp"
#include "stage/table.hpp"
#include "versions.hpp"

using namespace blocked_loop;
using std::chrono::milliseconds;

namespace {

/// Beats steadily when it gets its turns, and knows the longest time between two beats.
class heart {
 public:
  void beat() {
    const clock::time_point now = clock::now();
    worst_ = std::max(worst_, now - last_);
    last_ = now;
  }
  task<> keep_beating(milliseconds every) {
    interval ticks(every);
    for (;;) {
      co_await ticks.next();
      beat();
    }
  }
  [[nodiscard]] std::chrono::nanoseconds worst_gap() const { return worst_; }

 private:
  using clock = std::chrono::steady_clock;
  clock::time_point last_ = clock::now();
  clock::duration worst_{};
};

std::vector<std::string> row(stage::style how, way by, milliseconds every, crew& hands) {
  const sheet seen = big_numbers(20'000);
  loop here;
  int found = 0;
  std::vector<std::chrono::nanoseconds> gaps;
  const stage::cost cost = stage::measure([&] {
    heart beating;
    const auto counting = [&]() -> task<> { found = co_await count(how, by, seen, hands); };
    run(when_any([&] { return beating.keep_beating(every); }, counting));
    beating.beat();  // the time until now is a gap as well
    gaps.push_back(beating.worst_gap());
  });
  const auto median = gaps.begin() + static_cast<std::ptrdiff_t>(gaps.size() / 2);
  std::nth_element(gaps.begin(), median, gaps.end());
  return {std::string(name_of(how)), std::string(name_of(by)),
          stage::cost{*median, {}}.elapsed_text(), std::to_string(found), cost.elapsed_text(),
          cost.allocations_text()};
}

}  // namespace

int main(int argc, char** argv) {
  stage::program program("blocked_loop", "Primes are counted beside a heart that ought to beat steadily.");
  milliseconds every(1);
  program.option("--beat", every, "the time between two beats");

  return program.run(argc, argv, [&](std::span<const stage::style> styles) {
    crew hands;
    stage::table table({"style", "way", "worst gap", "primes", "elapsed", "allocations"});
    for (stage::style how : styles)
      for (way by : every_way)
        if (has(how, by)) table.add(row(how, by, every, hands));
    table.print();
  });
}
