#include <cstdio>
#include <thread>

#include "braid/schedule/yield.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "braid/sync/channel.hpp"

int main() {
  braid::channel<int> numbers(1);
  braid::loop here;
  auto waits = braid::spawn(numbers.receive());
  here.run(braid::yield());
  std::thread([&] { (void)numbers.try_send(1); }).join();
  std::puts("lived on");
}
