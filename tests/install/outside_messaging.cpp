// A program outside the tree that uses an installed braid-messaging. It leaves a log in ./journal.

#include <braid/messaging/log.hpp>
#include <braid/style/run.hpp>
#include <braid/style/task.hpp>

#include <cstdio>
#include <string>

namespace {

braid::task<std::string> last_order() {
  braid::messaging::log orders = co_await braid::messaging::log::open("journal");
  const std::uint64_t at = co_await orders.append("order 7");
  auto all = orders.read(at);
  const auto found = co_await all.next();
  co_await orders.close();
  co_return found->value().bytes;
}

}  // namespace

int main() {
  const std::string found = braid::run(last_order());
  std::printf("%s\n", found.c_str());
  return found == "order 7" ? 0 : 1;
}
