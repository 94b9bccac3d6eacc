// An exception leaves a detached task, and nothing handles it.

#include <cstdio>
#include <stdexcept>

#include "braid/schedule/yield.hpp"
#include "braid/style/start.hpp"
#include "braid/style/task.hpp"

namespace {

braid::task<> innermost() {
  co_await braid::yield();
  throw std::runtime_error("the disk is gone");
}
braid::task<> between() { co_await innermost(); }
braid::task<> outermost() { co_await between(); }

}  // namespace

int main() {
  braid::loop home;
  braid::detach(outermost());
  home.run();
  std::puts("lived on");
}
