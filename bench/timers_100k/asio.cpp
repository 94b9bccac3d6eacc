#include "asio_context.hpp"

#include <boost/asio/steady_timer.hpp>
#include <vector>

#include "style.hpp"
#include "timers_100k/crowd.hpp"

namespace {

using bench::crowd;

/// One handler for each timer, and timers that are made once: 100,000 coroutines would cost more.
struct crowd_of_timers {
  bench::asio_context context;
  std::vector<boost::asio::steady_timer> timers;
  crowd_of_timers() {
    for (std::uint64_t i = 0; i < crowd::size; ++i) timers.emplace_back(context);
  }

  std::uint64_t run(std::uint64_t n) {
    crowd all;
    for (std::uint64_t begun = 0; begun < n; begun += crowd::size) {
      for (std::uint64_t i = 0; i < crowd::size; ++i) {
        timers[i].expires_after(crowd::time_of(i));
        timers[i].async_wait([&](boost::system::error_code cancelled) { all.ended(!cancelled); });
      }
      for (std::uint64_t i = 0; i < crowd::size; ++i)
        if (crowd::is_cancelled(i)) timers[i].cancel();
      context.drain();
    }
    return all.proof();
  }
};

const bench::add<crowd_of_timers> here{"timers_100k", "asio"};

}  // namespace
