#include "asio_context.hpp"

#include <boost/asio/detached.hpp>

#include "style.hpp"

namespace {

boost::asio::awaitable<void> count(std::uint64_t& done) {
  ++done;
  co_return;
}

std::uint64_t spawn_tasks(bench::asio_context& context, std::uint64_t n) {
  std::uint64_t done = 0;
  for (std::uint64_t spawned = 0; spawned < n; spawned += 4096) {
    for (int i = 0; i < 4096; ++i) boost::asio::co_spawn(context, count(done), boost::asio::detached);
    context.drain();
  }
  return done;
}

const bench::add<bench::with<bench::asio_context, spawn_tasks>> here{"spawn", "asio"};

}  // namespace
