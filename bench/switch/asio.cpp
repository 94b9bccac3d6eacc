#include "asio_context.hpp"

#include <boost/asio/post.hpp>

#include "style.hpp"

namespace {

using boost::asio::awaitable;
using boost::asio::use_awaitable;

awaitable<void> party(std::uint64_t n, std::uint64_t& turns) {
  for (std::uint64_t i = 0; i < n; ++i) {
    co_await boost::asio::post(use_awaitable);
    ++turns;
  }
}

std::uint64_t take_turns(bench::asio_context& context, std::uint64_t n) {
  std::uint64_t turns = 0;
  context.run_all(party(n / 2, turns), party(n / 2, turns));
  return turns;
}

const bench::add<bench::with<bench::asio_context, take_turns>> here{"switch", "asio"};

}  // namespace
