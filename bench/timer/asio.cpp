#include "asio_context.hpp"

#include <boost/asio/steady_timer.hpp>
#include <chrono>

#include "style.hpp"

namespace {

using namespace std::chrono_literals;
using boost::asio::awaitable;
using boost::asio::use_awaitable;

awaitable<void> timers(boost::asio::steady_timer& timer, std::uint64_t n, std::uint64_t& fired) {
  for (std::uint64_t i = 0; i < n; ++i) {
    timer.expires_after(1ns);
    co_await timer.async_wait(use_awaitable);
    ++fired;
  }
}

struct one_timer {
  bench::asio_context context;
  boost::asio::steady_timer timer{context};

  std::uint64_t run(std::uint64_t n) {
    std::uint64_t fired = 0;
    context.run_all(timers(timer, n, fired));
    return fired;
  }
};

const bench::add<one_timer> here{"timer", "asio"};

}  // namespace
