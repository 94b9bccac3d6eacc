#include "asio_context.hpp"
#include "style.hpp"

namespace {

using boost::asio::awaitable;

awaitable<std::uint64_t> same(std::uint64_t value) { co_return value; }

awaitable<void> calls(std::uint64_t n, std::uint64_t& sum) {
  for (std::uint64_t i = 0; i < n; ++i) sum += co_await same(i);
}

std::uint64_t run_calls(bench::asio_context& context, std::uint64_t n) {
  std::uint64_t sum = 0;
  context.run_all(calls(n, sum));
  return sum;
}

const bench::add<bench::with<bench::asio_context, run_calls>> here{"call", "asio"};

}  // namespace
