// Destroys a stop_source before a callback that is registered with it.

#include <cstdio>
#include <optional>

#include "braid/core/stop_token.hpp"

int main() {
  std::optional<braid::stop_source> source(std::in_place);
  auto nothing = []() noexcept {};
  braid::stop_callback callback(source->get_token(), nothing);
  source.reset();
  std::puts("lived on");
}
