// Drops a future with an unseen error after its loop has ended.

#include <cstdio>
#include <optional>
#include <stdexcept>

#include "braid/loop/loop.hpp"
#include "braid/style/spawn.hpp"
#include "braid/style/task.hpp"

braid::task<> fails() {
  throw std::runtime_error("seen by nobody");
  co_return;
}

int main() {
  std::optional<braid::future<void>> kept;
  {
    braid::loop home;
    kept.emplace(braid::spawn(fails()));
    home.run();
  }
  kept.reset();
  std::puts("lived on");
}
