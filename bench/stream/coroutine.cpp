#include <braid/braid.hpp>
#include <utility>

#include "number.hpp"
#include "style.hpp"
#include "thread_loop.hpp"

namespace {

braid::async_generator<std::uint64_t> below(std::uint64_t n) {
  for (std::uint64_t i = 0; i < n; ++i) co_yield i;
}

braid::task<std::uint64_t> sum_all(std::uint64_t n) {
  std::uint64_t sum = 0;
  auto chunks = below(n) | braid::transform(bench::stream::number) | braid::buffered(bench::stream::at_once) |
                braid::chunk(bench::stream::chunk_size);
  while (auto chunk = co_await chunks.next()) sum += bench::stream::sum_of(*std::move(chunk));
  co_return sum;
}

std::uint64_t stream_and_sum(braid::loop& loop, std::uint64_t n) { return loop.run(sum_all(n)); }

const bench::add<bench::with<bench::thread_loop, stream_and_sum>> here{"stream", "coroutine"};

}  // namespace
