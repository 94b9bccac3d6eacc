// A program outside the tree that uses an installed braid and turns warnings into errors.

#include <braid/braid.hpp>

#include <chrono>
#include <cstdio>

namespace {

braid::task<int> answer() {
  co_await braid::sleep_for(std::chrono::milliseconds(1));
  co_return 42;
}

}  // namespace

int main() {
  const int plain = braid::run(answer());
  const int in_fiber = braid::run(braid::in_fiber([] { return braid::await(answer()); }));
  std::printf("%d %d\n", plain, in_fiber);
  return plain == 42 && in_fiber == 42 ? 0 : 1;
}
