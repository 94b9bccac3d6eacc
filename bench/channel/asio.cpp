#include "asio_context.hpp"

#if __has_include(<boost/asio/experimental/channel.hpp>)
#include <boost/asio/experimental/channel.hpp>
#else
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#endif

#include "style.hpp"

namespace {

using boost::asio::awaitable;
using boost::asio::use_awaitable;
using boost::system::error_code;

#if __has_include(<boost/asio/experimental/channel.hpp>)

using numbers = boost::asio::experimental::channel<void(error_code, std::uint64_t)>;

awaitable<void> send_all(numbers& to, std::uint64_t n) {
  for (std::uint64_t i = 0; i < n; ++i) co_await to.async_send({}, i, use_awaitable);
}

awaitable<void> sum_all(numbers& from, std::uint64_t n, std::uint64_t& sum) {
  for (std::uint64_t i = 0; i < n; ++i) sum += co_await from.async_receive(use_awaitable);
}

#else

/// For an Asio without channels: a queue, and two timers to wait on that never expire, as in its examples.
struct numbers {
  using timer = boost::asio::steady_timer;
  numbers(boost::asio::io_context& context, std::size_t most)
      : capacity(most), room(context, timer::time_point::max()), sent(context, timer::time_point::max()) {}

  std::size_t capacity;
  std::deque<std::uint64_t> waiting;
  timer room, sent;
};

awaitable<void> send_all(numbers& to, std::uint64_t n) {
  error_code woken;
  for (std::uint64_t i = 0; i < n; ++i) {
    while (to.waiting.size() == to.capacity)
      co_await to.room.async_wait(boost::asio::redirect_error(use_awaitable, woken));
    to.waiting.push_back(i);
    to.sent.cancel_one();
  }
}

awaitable<void> sum_all(numbers& from, std::uint64_t n, std::uint64_t& sum) {
  error_code woken;
  for (std::uint64_t i = 0; i < n; ++i) {
    while (from.waiting.empty())
      co_await from.sent.async_wait(boost::asio::redirect_error(use_awaitable, woken));
    sum += from.waiting.front();
    from.waiting.pop_front();
    from.room.cancel_one();
  }
}

#endif

std::uint64_t send_and_sum(bench::asio_context& context, std::uint64_t n) {
  numbers between(context, 64);
  std::uint64_t sum = 0;
  context.run_all(send_all(between, n), sum_all(between, n, sum));
  return sum;
}

const bench::add<bench::with<bench::asio_context, send_and_sum>> here{"channel", "asio"};

}  // namespace
