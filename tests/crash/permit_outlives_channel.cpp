#include <cstdio>
#include <optional>

#include "braid/sync/channel.hpp"

int main() {
  std::optional<braid::channel<int>> numbers(1);
  auto permit = numbers->try_reserve();
  numbers.reset();
  std::puts("lived on");
}
