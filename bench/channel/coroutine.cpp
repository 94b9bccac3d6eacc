#include <braid/braid.hpp>
#include <tuple>

#include "style.hpp"
#include "thread_loop.hpp"

namespace {

using numbers = braid::channel<std::uint64_t>;

braid::task<> send_all(numbers& to, std::uint64_t n) {
  for (std::uint64_t i = 0; i < n; ++i) co_await to.send(i);
  to.close();
}

braid::task<std::uint64_t> sum_all(numbers& from) {
  std::uint64_t sum = 0;
  while (const auto number = co_await from.receive()) sum += *number;
  co_return sum;
}

std::uint64_t send_and_sum(braid::loop& loop, std::uint64_t n) {
  numbers between{64};
  return std::get<1>(loop.run(braid::when_all(send_all(between, n), sum_all(between))));
}

const bench::add<bench::with<bench::thread_loop, send_and_sum>> here{"channel", "coroutine"};

}  // namespace
