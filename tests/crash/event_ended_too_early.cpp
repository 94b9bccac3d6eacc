#include <cstdio>
#include <optional>

#include "braid/schedule/yield.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "braid/sync/event.hpp"

int main() {
  braid::loop here;
  std::optional<braid::event> happened(std::in_place);
  auto waits = braid::spawn(happened->wait());
  here.run(braid::yield());
  happened.reset();
  std::puts("lived on");
}
