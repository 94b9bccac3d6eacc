// A fiber that recurses without end. It must hit the guard page of its stack, not another fiber's memory.

#include <cstddef>
#include <cstdio>

#include "braid/style/fiber.hpp"
#include "braid/style/run.hpp"

namespace {

[[gnu::noinline]] int endless(volatile char* above) {
  if (*above == 0) return 0;  // never true, but compilers reject a recursion that visibly never ends
  volatile char room[512];
  room[0] = *above;
  return endless(room) + room[0];
}

}  // namespace

int main() {
  std::puts("begun");
  std::fflush(stdout);
  volatile char first = 1;
  return braid::run(braid::in_fiber([&] { return endless(&first); }));
}
