#include <braid/braid.hpp>

#include <chrono>
#include <cstdio>

using namespace std::chrono_literals;

braid::task<int> count_down(int from) {
  for (int n = from; n > 0; --n) {
    std::printf("%d\n", n);
    co_await braid::sleep_for(10ms);  // this task waits; the thread does not
  }
  co_return from;
}

int main() {
  const int counted = braid::run(count_down(3));  // makes a loop, turns it until the task is done
  std::printf("counted %d\n", counted);
}
