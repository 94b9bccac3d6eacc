// Does not catch an error that run throws. A terminate handler that was set before must be called as well.

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>

#include "braid/schedule/yield.hpp"
#include "braid/style/run.hpp"
#include "braid/style/task.hpp"

namespace {

braid::task<> innermost() {
  co_await braid::yield();
  throw std::runtime_error("the disk is gone");
}
braid::task<> outermost() { co_await innermost(); }

}  // namespace

int main() {
  std::set_terminate([] {
    std::fputs("the program's own handler\n", stderr);
    std::abort();
  });
  braid::run(outermost());
  std::puts("lived on");
}
