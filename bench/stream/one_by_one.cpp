#include <braid/braid.hpp>
#include <tuple>
#include <utility>
#include <vector>

#include "number.hpp"
#include "style.hpp"
#include "thread_loop.hpp"

namespace {

using bench::stream::chunk_size;
using numbers = braid::channel<std::uint64_t>;

// Does less than the others: awaits one operation after the other.
braid::task<> send_all(numbers& to, std::uint64_t n) {
  for (std::uint64_t i = 0; i < n; ++i) {
    const std::uint64_t got = co_await bench::stream::number(i);
    co_await to.send(got);
  }
  to.close();
}

braid::task<std::uint64_t> sum_all(numbers& from) {
  std::uint64_t sum = 0;
  std::vector<std::uint64_t> chunk;
  chunk.reserve(chunk_size);
  while (const auto number = co_await from.receive()) {
    chunk.push_back(*number);
    if (chunk.size() < chunk_size) continue;
    sum += bench::stream::sum_of(std::exchange(chunk, {}));
    chunk.reserve(chunk_size);
  }
  co_return sum + bench::stream::sum_of(std::move(chunk));
}

std::uint64_t send_and_sum(braid::loop& loop, std::uint64_t n) {
  numbers between{bench::stream::at_once};
  return std::get<1>(loop.run(braid::when_all(send_all(between, n), sum_all(between))));
}

const bench::add<bench::with<bench::thread_loop, send_and_sum>> here{"stream", "one by one"};

}  // namespace
