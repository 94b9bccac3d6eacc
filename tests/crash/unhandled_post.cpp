// A posted function throws, and nothing handles it.

#include <cstdio>
#include <system_error>

#include "braid/loop/loop.hpp"

int main() {
  braid::loop home;
  home.post([] { throw std::system_error(std::make_error_code(std::errc::no_space_on_device), "spool"); });
  home.run();
  std::puts("lived on");
}
