// Calls an empty function.

#include <cstdio>

#include "braid/base/unique_function.hpp"

int main() {
  braid::unique_function<void()> none;
  none();
  std::puts("lived on");
}
