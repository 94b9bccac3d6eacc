// Destroys a loop from a function that runs on it.

#include <cstdio>
#include <memory>

#include "braid/loop/loop.hpp"

int main() {
  auto home = std::make_unique<braid::loop>();
  home->post([&] { home.reset(); });
  home->run();
  std::puts("lived on");
}
