// A program outside the tree that uses an installed braid-asio.

#include <braid/asio/loop_executor.hpp>
#include <braid/asio/start_on.hpp>
#include <braid/asio/use_braid.hpp>
#include <braid/schedule/sleep.hpp>
#include <braid/style/run.hpp>
#include <braid/style/task.hpp>

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdio>

namespace {

using namespace std::chrono_literals;

braid::task<int> answer() {
  boost::asio::steady_timer timer(braid::loop_executor(), 1ms);
  co_await timer.async_wait(braid::use_braid);
  const auto pause = [] { return braid::sleep_for(1ms); };
  co_await braid::start_on(braid::loop::current(), pause, braid::use_braid);
  co_return 42;
}

}  // namespace

int main() {
  const int got = braid::run(answer());
  std::printf("%d\n", got);
  return got == 42 ? 0 : 1;
}
