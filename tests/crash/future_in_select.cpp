#include <cstdio>
#include <optional>

#include "braid/schedule/yield.hpp"
#include "braid/style/promise.hpp"
#include "braid/style/run.hpp"
#include "braid/style/spawn.hpp"
#include "braid/sync/select.hpp"

int main() {
  braid::loop here;
  braid::promise<int> asked;
  std::optional<braid::future<int>> page(asked.get_future());
  auto waits = braid::spawn(braid::select(*page));
  here.run(braid::yield());
  page.reset();
  std::puts("lived on");
}
