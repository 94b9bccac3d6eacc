#include <braid/braid.hpp>
#include <tuple>
#include <utility>
#include <vector>

#include "number.hpp"
#include "style.hpp"
#include "thread_loop.hpp"

namespace {

using bench::stream::at_once;
using bench::stream::chunk_size;
using bench::stream::number;

// The same program without operators. A channel of operations that run keeps their order and bounds their
// number.
using operations = braid::channel<braid::future<std::uint64_t>>;

braid::task<> begin_all(operations& to, std::uint64_t n) {
  for (std::uint64_t i = 0; i < n; ++i) {
    auto running = braid::spawn(number(i));
    co_await to.send(std::move(running));
  }
  to.close();
}

braid::task<std::uint64_t> sum_all(operations& from) {
  std::uint64_t sum = 0;
  std::vector<std::uint64_t> chunk;
  chunk.reserve(chunk_size);
  while (auto running = co_await from.receive()) {
    chunk.push_back(co_await *std::move(running));
    if (chunk.size() < chunk_size) continue;
    sum += bench::stream::sum_of(std::exchange(chunk, {}));
    chunk.reserve(chunk_size);
  }
  co_return sum + bench::stream::sum_of(std::move(chunk));
}

std::uint64_t begin_and_sum(braid::loop& loop, std::uint64_t n) {
  operations between{at_once};
  return std::get<1>(loop.run(braid::when_all(begin_all(between, n), sum_all(between))));
}

const bench::add<bench::with<bench::thread_loop, begin_and_sum>> here{"stream", "raw"};

}  // namespace
