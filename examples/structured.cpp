// Structured concurrency: the tasks that a task starts end before it does, whatever happens.

#include <braid/braid.hpp>

#include <cstdio>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

int asked = 0;
braid::task<std::string> ask(int number) {  // a service that fails now and then
  co_await braid::sleep_for(1ms);
  if (++asked % 3 == 0) throw std::runtime_error("try again");
  co_return "answer " + std::to_string(number);
}

// [structured]
braid::task<int> work(int jobs) {
  braid::channel<int> numbers(4);  // a full channel makes the sender wait, an empty one the workers
  int answers = 0;
  const auto worker = [&]() -> braid::task<> {
    while (auto number = co_await numbers.receive()) {  // until the channel is closed and empty
      const auto ask_once = [&] { return braid::with_timeout(ask(*number), 1s); };
      (void)co_await braid::retry({.attempts = 5, .base = 1ms}, ask_once);
      ++answers;
    }
  };
  const auto team = [&](braid::scope& all) -> braid::task<> {
    for (int n = 0; n < 3; ++n) all.spawn(worker);  // a worker that fails stops the others
    for (int n = 0; n < jobs; ++n) co_await numbers.send(n);
    numbers.close();
  };
  co_await braid::with_scope(team);  // completes when all workers have ended
  co_return answers;
}
// [/structured]

int main() { std::printf("%d answers\n", braid::run(work(20))); }
