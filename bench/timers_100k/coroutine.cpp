#include <braid/braid.hpp>

#include "style.hpp"
#include "thread_loop.hpp"
#include "timers_100k/crowd.hpp"

namespace {

using bench::crowd;

braid::task<> one(crowd& all, std::uint64_t i, braid::stop_token token) {
  const auto ended =
      co_await braid::as_result(braid::with_stop_token(braid::sleep_for(crowd::time_of(i)), token));
  all.ended(ended.has_value());
}

std::uint64_t run_crowds(braid::loop& loop, std::uint64_t n) {
  crowd all;
  for (std::uint64_t begun = 0; begun < n; begun += crowd::size) {
    braid::stop_source odd;
    for (std::uint64_t i = 0; i < crowd::size; ++i)
      braid::detach(one(all, i, crowd::is_cancelled(i) ? odd.get_token() : braid::stop_token()));
    odd.request_stop();
    loop.run();
  }
  return all.proof();
}

const bench::add<bench::with<bench::thread_loop, run_crowds>> here{"timers_100k", "coroutine"};

}  // namespace
