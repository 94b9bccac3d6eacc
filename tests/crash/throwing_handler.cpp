// The handler of unhandled errors throws.

#include <cstdio>
#include <stdexcept>

#include "braid/core/just.hpp"
#include "braid/style/start.hpp"

int main() {
  braid::loop home;
  home.on_unhandled_error([](const braid::error&) { throw std::runtime_error("the handler's own"); });
  braid::detach(braid::just_error<int>(std::errc::timed_out));
  home.run();
  std::puts("lived on");
}
