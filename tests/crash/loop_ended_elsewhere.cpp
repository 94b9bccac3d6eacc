// Destroys a loop on another thread than its own.

#include <cstdio>
#include <memory>
#include <thread>

#include "braid/loop/loop.hpp"

int main() {
  auto home = std::make_unique<braid::loop>();
  std::thread([&] { home.reset(); }).join();
  std::puts("lived on");
}
