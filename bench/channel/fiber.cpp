#include <braid/braid.hpp>
#include <tuple>

#include "style.hpp"
#include "thread_loop.hpp"

namespace {

using numbers = braid::channel<std::uint64_t>;

void send_all(numbers& to, std::uint64_t n) {
  for (std::uint64_t i = 0; i < n; ++i) braid::await(to.send(i));
  to.close();
}

std::uint64_t sum_all(numbers& from) {
  std::uint64_t sum = 0;
  while (const auto number = braid::await(from.receive())) sum += *number;
  return sum;
}

std::uint64_t send_and_sum(braid::loop& loop, std::uint64_t n) {
  numbers between{64};
  return std::get<1>(loop.run(braid::when_all(braid::in_fiber([&, n] { send_all(between, n); }),
                                              braid::in_fiber([&] { return sum_all(between); }))));
}

const bench::add<bench::with<bench::thread_loop, send_and_sum>> here{"channel", "fiber"};

}  // namespace
