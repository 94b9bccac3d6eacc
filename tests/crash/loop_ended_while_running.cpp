// A loop is destroyed by what runs on it.

#include <cstdio>
#include <memory>

#include "braid/loop/loop.hpp"

int main() {
  auto home = std::make_unique<braid::loop>();
  home->post([&] { home.reset(); });
  home->run();
  std::puts("lived on");
}
