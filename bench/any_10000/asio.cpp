#include "asio_context.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/version.hpp>
#include <vector>
#if BOOST_VERSION >= 108000  // the first with a group over a range
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#endif

#include "any_10000/race.hpp"
#include "style.hpp"

namespace {

using bench::race;
using boost::asio::awaitable;
using boost::asio::use_awaitable;
using boost::system::error_code;
using timers = std::vector<boost::asio::steady_timer>;

void arm(timers& all) {
  for (std::uint64_t i = 0; i < race::runners; ++i) all[i].expires_after(race::time_of(i));
}

#if BOOST_VERSION >= 108000

awaitable<void> races(timers& all, std::uint64_t n, std::uint64_t& winners) {
  using boost::asio::deferred;
  for (std::uint64_t begun = 0; begun < n; begun += race::runners) {
    arm(all);
    std::vector<decltype(all.front().async_wait(deferred))> runners;
    runners.reserve(all.size());
    for (auto& timer : all) runners.push_back(timer.async_wait(deferred));
    const auto [order, errors] = co_await boost::asio::experimental::make_parallel_group(std::move(runners))
                                     .async_wait(boost::asio::experimental::wait_for_one(), use_awaitable);
    if (!errors[order.front()]) winners += order.front();
  }
}

#else

/// For an Asio without groups over a range: one handler each. The first handler cancels the other timers; the
/// last one resumes the coroutine by cancelling the timer that it waits for.
awaitable<void> races(timers& all, std::uint64_t n, std::uint64_t& winners) {
  boost::asio::steady_timer over(all.front().get_executor(), boost::asio::steady_timer::time_point::max());
  error_code woken;
  for (std::uint64_t begun = 0; begun < n; begun += race::runners) {
    arm(all);
    std::uint64_t running = race::runners;
    for (std::uint64_t i = 0; i < race::runners; ++i) {
      all[i].async_wait([&, i](error_code cancelled) {
        if (!cancelled) {
          winners += i;
          for (auto& timer : all) timer.cancel();
        }
        if (--running == 0) over.cancel();
      });
    }
    co_await over.async_wait(boost::asio::redirect_error(use_awaitable, woken));
  }
}

#endif

struct ten_thousand_timers {
  bench::asio_context context;
  timers all;
  ten_thousand_timers() {
    for (std::uint64_t i = 0; i < race::runners; ++i) all.emplace_back(context);
  }

  std::uint64_t run(std::uint64_t n) {
    std::uint64_t winners = 0;
    context.run_all(races(all, n, winners));
    return winners;
  }
};

const bench::add<ten_thousand_timers> here{"any_10000", "asio"};

}  // namespace
