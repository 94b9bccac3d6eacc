// The code of docs/std.md: a program that uses both braid and std::execution. main runs each of them.
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <thread>
#include <utility>

#include "braid/braid.hpp"
#include "braid/std/as_std_sender.hpp"
#include "braid/std/from_std_sender.hpp"

namespace {

braid::task<std::string> fetch(std::string page) {
  co_await braid::sleep_for(std::chrono::milliseconds(1));
  co_return "page of " + page;
}

// [from]
/// A task that awaits a sender of std::execution.
braid::task<int> product(int a, int b) {
  auto work = stdexec::just(a, b) | stdexec::then([](int x, int y) { return x * y; });
  co_return co_await braid::from_std_sender(std::move(work));
}
// [/from]

// [as]
/// The size of a page. It begins on the loop of the thread that starts it.
auto size_of(std::string page) {
  return braid::as_std_sender([page] { return fetch(page); }) |
         stdexec::then([](std::string text) { return text.size(); });
}
// [/as]

// [on]
/// On a thread without a loop: waits for two operations of a loop of another thread.
std::string both_pages(braid::loop& there) {
  auto pages = stdexec::when_all(braid::as_std_sender(there, [] { return fetch("ann"); }),
                                 braid::as_std_sender(there, [] { return fetch("bob"); }));
  const auto [first, second] = stdexec::sync_wait(std::move(pages)).value();
  return first + ", " + second;
}
// [/on]

}  // namespace

int main() {
  braid::loop here;
  std::printf("product %d\n", here.run(product(6, 7)));
  std::printf("size %zu\n", here.run(braid::from_std_sender(size_of("ann"))));
  std::string pages;
  std::thread other([&] { pages = both_pages(here); });
  here.run(braid::offload([&] { other.join(); }));
  std::puts(pages.c_str());
}
